/* In place of the decoder, where the library was built without it. */
#include "sound.h"

int read_sound(const uint8_t *data, size_t size, double most_seconds, struct sound *sound,
               aiwf_error *error) {
    (void)data;
    (void)size;
    (void)most_seconds;
    (void)sound;
    return fail(error, AIWF_UNSUPPORTED,
                "This library was built without a decoder of sounds. Give it samples.");
}
