/* The step decode_sound: reading, one channel, the wanted rate. */
#include "sound.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MOST_SECONDS 600.0
#define LOWEST_RATE 1000
#define HIGHEST_RATE 384000
#define CANCELLED 0.1 /* share of the channels' energy in their mean, below which they cancel */
#define LOUDEST 0.9   /* share of the highest energy from which a channel is the loudest, too */

int parse_decode_sound(const json *args, struct step *step, aiwf_error *error) {
    step->real[0] = MOST_SECONDS;
    const int code = json_whole(args, "rate", 1000, 96000, &step->whole[0], error);
    if (code == AIWF_OK && step->whole[0] == 0) {
        return fail(error, AIWF_DAMAGED, "decode_sound has no 'rate'. " AGAIN);
    }
    return code != AIWF_OK
               ? code
               : json_number(args, "most_seconds", 0.01, MOST_SECONDS, &step->real[0], error);
}

int check_sound(const float *samples, int64_t frames, int channels, int rate, double most_seconds,
                aiwf_error *error) {
    if (frames <= 0) {
        return fail(error, AIWF_BAD_SAMPLE,
                    "The sound has no samples (0 seconds). Record or export it again.");
    }
    if (rate < LOWEST_RATE || rate > HIGHEST_RATE) {
        return fail(error, AIWF_BAD_SAMPLE,
                    "The sound has %d samples a second; it is %d to %d. Export it again at 16000, "
                    "44100 or 48000.",
                    rate, LOWEST_RATE, HIGHEST_RATE);
    }
    if ((double)frames / rate > most_seconds) {
        return fail(error, AIWF_BAD_SAMPLE,
                    "The sound is longer than %.1f seconds, which is the most that is taken. Make "
                    "clips of it in which one thing is heard.",
                    most_seconds);
    }
    if (channels < 1 || frames > MOST_VALUES / channels) {
        return fail(error, AIWF_BAD_SAMPLE,
                    "The sound has too many samples in %d channels to decode. Export it with one "
                    "channel at 48000 samples a second or fewer.",
                    channels);
    }
    for (int64_t k = 0; samples != NULL && k < frames * channels; k++) {
        if (!isfinite(samples[k])) {
            return fail(error, AIWF_BAD_SAMPLE,
                        "The sound has samples that are no numbers (NaN or infinite). Export it "
                        "again; what made it divided by zero.");
        }
    }
    return AIWF_OK;
}

/* The first of the loudest channels, if the mean of all has less than a tenth of their mean energy;
   else -1. */
static int loudest_of_cancelling(const float *samples, int64_t frames, int channels,
                                 double *energies) {
    double of_mean = 0, sum = 0, highest = 0;
    for (int64_t k = 0; k < frames; k++) {
        double mean = 0;
        for (int channel = 0; channel < channels; channel++) {
            const double level = samples[k * channels + channel];
            energies[channel] += level * level;
            mean += level;
        }
        mean /= channels;
        of_mean += mean * mean;
    }
    for (int channel = 0; channel < channels; channel++) {
        sum += energies[channel];
        highest = fmax(highest, energies[channel]);
    }
    if (of_mean >= CANCELLED * sum / channels) {
        return -1;
    }
    int channel = 0;
    while (energies[channel] < LOUDEST * highest) {
        channel++;
    }
    return channel;
}

static int mono(const float *samples, int64_t frames, int channels, struct array *to,
                aiwf_error *error) {
    double *energies = allocated((size_t)channels, sizeof *energies, error);
    int code = energies == NULL ? AIWF_NO_MEMORY : array_resize(to, 1, frames, 1, 1, 1, error);
    if (code == AIWF_OK) {
        const int loudest =
            channels == 1 ? 0 : loudest_of_cancelling(samples, frames, channels, energies);
        for (int64_t k = 0; k < frames; k++) {
            double sum = 0;
            for (int channel = 0; channel < channels && loudest < 0; channel++) {
                sum += samples[k * channels + channel];
            }
            to->data[k] = loudest < 0 ? (float)(sum / channels) : samples[k * channels + loudest];
        }
    }
    free(energies);
    return code;
}

int to_waveform(const float *samples, int64_t frames, int channels, int from, int rate,
                struct array *to, aiwf_error *error) {
    struct array whole = {0};
    int code = mono(samples, frames, channels, &whole, error);
    if (code == AIWF_OK && from == rate) {
        free(to->data);
        *to = whole;
        whole.data = NULL;
    } else if (code == AIWF_OK) {
        code = resample(whole.data, frames, from, rate, to, error);
    }
    free(whole.data);
    for (int64_t k = 0; code == AIWF_OK && k < to->shape[0]; k++) {
        to->data[k] = fmaxf(-1, fminf(1, to->data[k]));
    }
    return code;
}

int run_decode_sound(const struct step *step, struct value *value, aiwf_error *error) {
    struct sound sound = {0};
    int code = read_sound(value->data, value->size, step->real[0], &sound, error);
    if (code == AIWF_OK) {
        value->seconds = (double)sound.frames / sound.rate;
        code = to_waveform(sound.samples, sound.frames, sound.channels, sound.rate, step->whole[0],
                           &value->arrays[0], error);
    }
    free(sound.samples);
    return code;
}
