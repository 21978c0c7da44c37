/* Corrects the header of a WAV that was written before its length was known, or wrongly: see
   ../../wav.py. */
#ifndef AIWF_WAV_H
#define AIWF_WAV_H

#include <stddef.h>
#include <stdint.h>

#include "names.h"

#define WAV_PLACEHOLDER                                                                            \
    0x7F000000u /* sizes from here on are written by programs that cannot know them */
#define WAV_MOST_FIXES 6

/* Bytes of a file that are read as others. */
struct wav_fixes {
    size_t at[WAV_MOST_FIXES];
    uint8_t byte[WAV_MOST_FIXES * 4];
    int length[WAV_MOST_FIXES];
    int count;
};

int is_wav(const uint8_t *data, size_t size);
/* How many bytes of sound there are, and how many the header states; equal unless it is truncated.
 */
void wav_bytes(const uint8_t *data, size_t size, uint64_t *there, uint64_t *stated);
void wav_correct(const uint8_t *data, size_t size, struct wav_fixes *fixes);

#endif
