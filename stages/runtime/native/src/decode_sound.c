/* Sounds by libsndfile, from memory, to their very end, whatever length the header states. */
#include "sound.h"
#include "wav.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <sndfile.h>

#define BLOCK_VALUES 65536

struct memory_file {
    const uint8_t *data;
    sf_count_t size, at;
    struct wav_fixes fixes;
};

static sf_count_t length_of(void *user) {
    return ((struct memory_file *)user)->size;
}

static sf_count_t seek(sf_count_t offset, int whence, void *user) {
    struct memory_file *file = user;
    const sf_count_t base = whence == SEEK_CUR ? file->at : whence == SEEK_END ? file->size : 0;
    if (offset >= -base && offset <= file->size - base) {
        file->at = base + offset;
    }
    return file->at;
}

static sf_count_t read_bytes(void *to, sf_count_t count, void *user) {
    struct memory_file *file = user;
    const sf_count_t rest = file->size - file->at;
    count = count < 0 ? 0 : count > rest ? rest : count;
    memcpy(to, file->data + file->at, (size_t)count);
    for (int k = 0; k < file->fixes.count; k++) {
        for (int byte = 0; byte < file->fixes.length[k]; byte++) {
            const sf_count_t at = (sf_count_t)file->fixes.at[k] + byte - file->at;
            if (at >= 0 && at < count) {
                ((uint8_t *)to)[at] = file->fixes.byte[4 * k + byte];
            }
        }
    }
    file->at += count;
    return count;
}

static sf_count_t refuse_write(const void *from, sf_count_t count, void *user) {
    (void)from;
    (void)count;
    (void)user;
    return 0;
}

static sf_count_t tell(void *user) {
    return ((struct memory_file *)user)->at;
}

static int truncated(aiwf_error *error, const char *how) {
    return fail(error, AIWF_BAD_SAMPLE,
                "The sound cannot be decoded to its end: %s. " DAMAGED_SAMPLE, how);
}

/* libsndfile reads a truncated WAV or OGG without an error. */
static int check_whole(const uint8_t *data, size_t size, aiwf_error *error) {
    if (is_wav(data, size)) {
        uint64_t there, stated;
        wav_bytes(data, size, &there, &stated);
        if (there < stated) {
            return truncated(error, "bytes of the sound are missing");
        }
    }
    if (size >= 4 && memcmp(data, "OggS", 4) == 0) { /* its last page: RFC 3533, 6 */
        size_t at = size - 4;
        while (at > 0 && memcmp(data + at, "OggS", 4) != 0) {
            at--;
        }
        size_t end = at + 27;
        const size_t segments = end <= size ? data[end - 1] : 0;
        for (size_t k = 0; end <= size && k < segments; k++) {
            end += at + 27 + k < size ? data[at + 27 + k] + 1u : size;
        }
        if (end > size) {
            return truncated(error, "its last page is not whole");
        }
    }
    return AIWF_OK;
}

/* Read frames until there are no more, or more than `most`. */
static int read_frames(SNDFILE *file, int64_t most, struct sound *sound, aiwf_error *error) {
    int64_t room = 0;
    const sf_count_t block = BLOCK_VALUES / sound->channels + 1;
    for (sf_count_t got = 1; got > 0 && sound->frames <= most; sound->frames += got) {
        if (sound->frames + block > room) {
            room = (sound->frames + block) * 2;
            float *more = allocated((size_t)room, (size_t)sound->channels * sizeof(float), error);
            if (more == NULL) {
                return AIWF_NO_MEMORY;
            }
            if (sound->frames > 0) {
                memcpy(more, sound->samples,
                       (size_t)sound->frames * (size_t)sound->channels * sizeof(float));
            }
            free(sound->samples);
            sound->samples = more;
        }
        got = sf_readf_float(file, sound->samples + sound->frames * sound->channels, block);
    }
    if (sf_error(file) != SF_ERR_NO_ERROR) {
        return truncated(error, sf_strerror(file));
    }
    return AIWF_OK;
}

/* Whether `data` begins like an MP3, whose length its decoder only guesses. */
static int is_mpeg(const uint8_t *data, size_t size) {
    return size >= 3 && (memcmp(data, "ID3", 3) == 0 || (data[0] == 0xFF && data[1] >= 0xE0));
}

int read_sound(const uint8_t *data, size_t size, double most_seconds, struct sound *sound,
               aiwf_error *error) {
    struct memory_file memory = {data, (sf_count_t)size, 0, {.count = 0}};
    SF_VIRTUAL_IO io = {length_of, seek, read_bytes, refuse_write, tell};
    SF_INFO info = {0};
    if (size == 0) {
        return fail(error, AIWF_BAD_SAMPLE, EMPTY_SAMPLE);
    }
    int code = check_whole(data, size, error);
    if (code != AIWF_OK) {
        return code;
    }
    wav_correct(data, size, &memory.fixes);
    SNDFILE *file = sf_open_virtual(&io, SFM_READ, &info, &memory);
    if (file == NULL) {
        return fail(error, AIWF_BAD_SAMPLE,
                    "The %zu bytes are not a sound of a known format. Save it as WAV or FLAC.",
                    size);
    }
    const int is_stream = info.frames <= 0 || info.frames >= WAV_PLACEHOLDER || is_mpeg(data, size);
    sound->channels = info.channels;
    sound->rate = info.samplerate;
    code = info.frames == 0 ? check_sound(NULL, 0, 1, info.samplerate, most_seconds, error)
                            : check_sound(NULL, is_stream ? 1 : info.frames, info.channels,
                                          info.samplerate, most_seconds, error);
    if (code == AIWF_OK) {
        const double most = fmin(most_seconds * info.samplerate, MOST_VALUES / info.channels);
        code = read_frames(file, (int64_t)most, sound, error);
    }
    if (code == AIWF_OK && !is_stream && sound->frames < info.frames) {
        code = truncated(error, "frames are missing");
    }
    sf_close(file);
    return code == AIWF_OK ? check_sound(sound->samples, sound->frames, sound->channels,
                                         sound->rate, most_seconds, error)
                           : code;
}
