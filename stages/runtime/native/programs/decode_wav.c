/* Sounds without libsndfile: WAV of whole numbers of 8 to 32 bits, or of float32. */
#include "sound.h"
#include "wav.h"

#include <stdlib.h>
#include <string.h>

#define WHOLE 1
#define FLOATING 3
#define LEAST_FORMAT 16

struct format {
    unsigned kind, channels, rate, bits;
};

static int bad(aiwf_error *error, const char *why) {
    return fail(error, AIWF_BAD_SAMPLE, "%s. Save the sound as WAV of 16 bits.", why);
}

/* Find the format, and the bytes of sound. */
static int find_parts(const uint8_t *data, size_t size, struct format *format,
                      const uint8_t **sound, size_t *count) {
    size_t at = WAV_CHUNKS, begin;
    uint32_t stated;
    while ((begin = wav_chunk(data, size, &at, &stated)) != 0) {
        const uint8_t *content = data + begin, *name = content - WAV_HEADER;
        const size_t there = size - begin, inside = stated > there ? there : stated;
        if (memcmp(name, "fmt ", 4) == 0 && inside >= LEAST_FORMAT) {
            format->kind = wav_number(content, 2);
            format->channels = wav_number(content + 2, 2);
            format->rate = wav_number(content + 4, 4);
            format->bits = wav_number(content + 14, 2);
            if (format->kind == WAV_EXTENSIBLE && inside >= 26) {
                format->kind = wav_number(content + 24, 2);
            }
        } else if (memcmp(name, "data", 4) == 0) {
            *sound = content;
            *count = inside;
            return 1;
        }
    }
    return 0;
}

static float value_of(const uint8_t *at, const struct format *format) {
    const uint32_t bits = wav_number(at, (int)format->bits / 8);
    float found;
    if (format->kind == FLOATING) {
        memcpy(&found, &bits, sizeof found);
        return found;
    }
    if (format->bits == 8) {
        return ((float)bits - 128.0f) / 128.0f;
    }
    const uint32_t shifted = bits << (32 - format->bits);
    int32_t whole;
    memcpy(&whole, &shifted, sizeof whole);
    return (float)((double)whole / 2147483648.0);
}

int read_sound(const uint8_t *data, size_t size, double most_seconds, struct sound *sound,
               aiwf_error *error) {
    struct format format = {0, 0, 0, 0};
    const uint8_t *begin;
    size_t count = 0;
    if (!is_wav(data, size)) {
        return bad(error, "This program reads WAV only");
    }
    uint64_t there, stated;
    wav_bytes(data, size, &there, &stated);
    if (there < stated) {
        return bad(error, "The sound is truncated: bytes are missing");
    }
    if (!find_parts(data, size, &format, &begin, &count)) {
        return bad(error, "The file has no sound");
    }
    const int is_whole = format.kind == WHOLE && format.bits % 8 == 0 && format.bits >= 8 &&
                         format.bits <= 32;
    if (!is_whole && !(format.kind == FLOATING && format.bits == 32)) {
        return bad(error, "This program does not read this kind of WAV");
    }
    const size_t width = format.bits / 8;
    const int64_t frames = format.channels == 0 ? 0 : (int64_t)(count / width / format.channels);
    const int code = check_sound(NULL, frames, (int)format.channels, (int)format.rate,
                                 most_seconds, error);
    if (code != AIWF_OK) {
        return code;
    }
    const size_t values = (size_t)frames * format.channels;
    sound->samples = allocated(values, sizeof(float), error);
    if (sound->samples == NULL) {
        return AIWF_NO_MEMORY;
    }
    sound->frames = frames;
    sound->channels = (int)format.channels;
    sound->rate = (int)format.rate;
    for (size_t k = 0; k < values; k++) {
        sound->samples[k] = value_of(begin + k * width, &format);
    }
    return check_sound(sound->samples, sound->frames, sound->channels, sound->rate, most_seconds,
                       error);
}
