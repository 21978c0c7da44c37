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
#define WAV_HEADER 8  /* bytes of a chunk's name and size */
#define WAV_CHUNKS 12 /* where the chunks begin */
#define WAV_EXTENSIBLE 0xFFFE

/* Bytes of a file that are read as others. */
struct wav_fixes {
    size_t at[WAV_MOST_FIXES];
    uint8_t byte[WAV_MOST_FIXES * 4];
    int length[WAV_MOST_FIXES];
    int count;
};

int is_wav(const uint8_t *data, size_t size);
/* The number in `bytes` bytes, the lowest first. */
uint32_t wav_number(const uint8_t *at, int bytes);
/* The next chunk from *at on: where its content begins; 0 behind the last. *at moves on. */
size_t wav_chunk(const uint8_t *data, size_t size, size_t *at, uint32_t *stated);
/* How many bytes of sound there are, and how many the header states; equal unless it is truncated.
 */
void wav_bytes(const uint8_t *data, size_t size, uint64_t *there, uint64_t *stated);
void wav_correct(const uint8_t *data, size_t size, struct wav_fixes *fixes);

#endif
