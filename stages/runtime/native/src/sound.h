/* Waveforms: decoding, and making them one channel at a wanted rate. */
#ifndef AIWF_SOUND_H
#define AIWF_SOUND_H

#include "steps.h"

#define MOST_VALUES 60000000 /* of all channels: ten minutes of stereo at 48 kHz */

struct sound {
    float *samples; /* [frames, channels] */
    int64_t frames;
    int channels, rate;
};

int read_sound(const uint8_t *data, size_t size, double most_seconds, struct sound *sound,
               aiwf_error *error);
/* AIWF_BAD_SAMPLE unless length, rate and values are those of a sound. */
int check_sound(const float *samples, int64_t frames, int channels, int rate, double most_seconds,
                aiwf_error *error);
/* `to` [n]: the channels' mean at `rate` frames a second, or the loudest channel where they cancel
   each other; clipped to -1..1. */
int to_waveform(const float *samples, int64_t frames, int channels, int from, int rate,
                struct array *to, aiwf_error *error);
/* `from` at `rate` frames a second as `to` at `wanted`, as runtime/resampling.py does it. */
int resample(const float *from, int64_t count, int rate, int wanted, struct array *to,
             aiwf_error *error);

#endif
