#include "wav.h"

#include <string.h>

#define EXTENSIBLE_BYTES 40

uint32_t wav_number(const uint8_t *at, int bytes) {
    uint32_t value = 0;
    for (int k = bytes - 1; k >= 0; k--) {
        value = value << 8 | at[k];
    }
    return value;
}

int is_wav(const uint8_t *data, size_t size) {
    return size >= 12 && (memcmp(data, "RIFF", 4) == 0 || memcmp(data, "RF64", 4) == 0) &&
           memcmp(data + 8, "WAVE", 4) == 0;
}

/* Whether another chunk begins at `at`, and not sound. */
static int is_chunk(const uint8_t *data, size_t size, size_t at) {
    if (at + WAV_HEADER > size) {
        return 0;
    }
    for (int k = 0; k < 4; k++) {
        if (data[at + (size_t)k] < ' ' || data[at + (size_t)k] > '~') {
            return 0;
        }
    }
    return (uint64_t)at + WAV_HEADER + wav_number(data + at + 4, 4) <= (uint64_t)size + 1;
}

/* Whether the stated size of the sound is not its size: nothing or far too much, or that of the
   file. */
static int is_guessed(const uint8_t *data, size_t size, size_t at, uint32_t stated) {
    const size_t there = size - at;
    if (stated == 0) {
        return there > 0 && !is_chunk(data, size, at);
    }
    return stated > there &&
           (stated >= WAV_PLACEHOLDER || stated == size || (uint64_t)stated + WAV_HEADER == size);
}

size_t wav_chunk(const uint8_t *data, size_t size, size_t *at, uint32_t *stated) {
    if (*at > size || size - *at < WAV_HEADER) {
        return 0;
    }
    const size_t content = *at + WAV_HEADER;
    *stated = wav_number(data + *at + 4, 4);
    const uint64_t next = (uint64_t)content + *stated + *stated % 2;
    *at = next > size ? size : (size_t)next; /* where size_t has 32 bits it would wrap around */
    return content;
}

void wav_bytes(const uint8_t *data, size_t size, uint64_t *there, uint64_t *stated) {
    size_t at = WAV_CHUNKS, content;
    uint32_t length;
    *there = *stated = 0;
    while ((content = wav_chunk(data, size, &at, &length)) != 0) {
        if (memcmp(data + content - WAV_HEADER, "data", 4) == 0) {
            *there = size - content;
            *stated = is_guessed(data, size, content, length) ? *there : length;
            *there = *there < *stated ? *there : *stated;
            return;
        }
    }
}

static void fix(struct wav_fixes *fixes, size_t at, uint32_t value, int bytes) {
    if (fixes->count < WAV_MOST_FIXES) {
        for (int k = 0; k < bytes; k++) {
            fixes->byte[4 * fixes->count + k] = (uint8_t)(value >> (8 * k));
        }
        fixes->at[fixes->count] = at;
        fixes->length[fixes->count++] = bytes;
    }
}

void wav_correct(const uint8_t *data, size_t size, struct wav_fixes *fixes) {
    size_t at = WAV_CHUNKS, content;
    uint32_t length;
    fixes->count = 0;
    if (!is_wav(data, size) || memcmp(data, "RF64", 4) == 0) { /* states its sizes elsewhere */
        return;
    }
    while ((content = wav_chunk(data, size, &at, &length)) != 0) {
        const uint8_t *name = data + content - WAV_HEADER;
        if (memcmp(name, "fmt ", 4) == 0 && length < EXTENSIBLE_BYTES && size - content >= 2 &&
            wav_number(data + content, 2) == WAV_EXTENSIBLE) {
            fix(fixes, content, 1, 2); /* PCM */
        }
        if (memcmp(name, "data", 4) == 0) {
            if (is_guessed(data, size, content, length)) {
                fix(fixes, content - 4, (uint32_t)(size - content), 4);
                fix(fixes, 4, (uint32_t)(size - WAV_HEADER), 4);
            }
            return;
        }
    }
}
