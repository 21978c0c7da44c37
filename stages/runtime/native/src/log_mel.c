/* The steps log_mel and mfcc, as runtime/spectrograms.py has them. */
#include "fourier.h"
#include "steps.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define PI 3.14159265358979323846
#define BREAK_HZ 1000.0 /* Slaney's scale: linear below, logarithmic above */
#define HZ_A_MEL (200.0 / 3)
#define MOST_FRAMES 2000 /* a second */
#define MOST_OVERLAP 64

/* Places in step->whole and step->real. */
enum { RATE, WINDOW, HOP, BANDS, FFT, FLAGS, COUNT };
enum { LOW, HIGH, POWER, FLOOR };
enum { HTK = 1, NORM = 2, CENTRE = 4, NATURAL = 8 };

static int flag(const json *args, const char *key, int otherwise) {
    const json *item = json_item(args, key);
    return item == NULL ? otherwise : item->type == JSON_TRUE;
}

static int check_fit(const struct step *step, aiwf_error *error) {
    const int *whole = step->whole;
    const int window = whole[WINDOW], hop = whole[HOP], fft = whole[FFT];
    if (hop < 1 || window < 2 || window > fft || whole[BANDS] < 1 || whole[RATE] < 1000 ||
        !(step->real[LOW] < step->real[HIGH]) || step->real[HIGH] > whole[RATE] / 2.0 ||
        whole[RATE] > MOST_FRAMES * hop || fft > MOST_OVERLAP * hop) {
        return fail(error, AIWF_DAMAGED, "The arguments of log_mel contradict each other. " AGAIN);
    }
    return AIWF_OK;
}

int parse_log_mel(const json *args, struct step *step, aiwf_error *error) {
    static const struct {
        const char *key;
        int place, least, most;
    } wholes[] = {{"rate", RATE, 1000, 96000},
                  {"window", WINDOW, 2, 16384},
                  {"hop", HOP, 1, 16384},
                  {"bands", BANDS, 1, 1024}};
    const json *fft = json_item(args, "fft");
    int code = AIWF_OK;
    for (size_t k = 0; k < 4 && code == AIWF_OK; k++) {
        code = json_whole(args, wholes[k].key, wholes[k].least, wholes[k].most,
                          &step->whole[wholes[k].place], error);
    }
    step->whole[FFT] = step->whole[WINDOW];
    step->real[LOW] = step->real[HIGH] = -1;
    step->real[POWER] = 2;
    step->real[FLOOR] = 1e-10;
    if (code == AIWF_OK && fft != NULL && fft->type != JSON_NULL) {
        code = json_whole(args, "fft", 2, 16384, &step->whole[FFT], error);
    }
    if (code == AIWF_OK) {
        code = json_number(args, "low", 0, 48000, &step->real[LOW], error);
    }
    if (code == AIWF_OK) {
        code = json_number(args, "high", 0, 48000, &step->real[HIGH], error);
    }
    if (code == AIWF_OK) {
        code = json_number(args, "power", 0.1, 8, &step->real[POWER], error);
    }
    if (code == AIWF_OK) {
        code = json_number(args, "floor", 1e-30, 1e6, &step->real[FLOOR], error);
    }
    step->whole[FLAGS] =
        (strcmp(json_text(json_item(args, "scale"), "slaney"), "htk") == 0 ? HTK : 0) |
        (flag(args, "norm", 1) ? NORM : 0) | (flag(args, "centre", 1) ? CENTRE : 0) |
        (strcmp(json_text(json_item(args, "log"), ""), "natural") == 0 ? NATURAL : 0);
    return code != AIWF_OK ? code : check_fit(step, error);
}

static double to_mel(double hz, int htk) {
    const double step = log(6.4) / 27;
    if (htk) {
        return 2595 * log10(1 + hz / 700);
    }
    return hz < BREAK_HZ ? hz / HZ_A_MEL : BREAK_HZ / HZ_A_MEL + log(hz / BREAK_HZ) / step;
}

static double to_hz(double mel, int htk) {
    const double step = log(6.4) / 27;
    if (htk) {
        return 700 * (pow(10, mel / 2595) - 1);
    }
    return mel * HZ_A_MEL < BREAK_HZ ? mel * HZ_A_MEL
                                     : BREAK_HZ * exp(step * (mel - BREAK_HZ / HZ_A_MEL));
}

/* Weights [bands, fft / 2 + 1], and of each band its first bin and the bin behind its last. */
static void fill_filters(const struct step *step, float *weights, int *spans) {
    const int bins = step->whole[FFT] / 2 + 1, bands = step->whole[BANDS];
    const int htk = step->whole[FLAGS] & HTK;
    const double first = to_mel(step->real[LOW], htk), last = to_mel(step->real[HIGH], htk);
    for (int band = 0; band < bands; band++) {
        double edges[3];
        for (int k = 0; k < 3; k++) {
            edges[k] = to_hz(first + (last - first) * (band + k) / (bands + 1), htk);
        }
        for (int bin = 0; bin < bins; bin++) {
            const double hz = (double)bin * step->whole[RATE] / step->whole[FFT];
            const double rising = (hz - edges[0]) / (edges[1] - edges[0]);
            const double falling = (edges[2] - hz) / (edges[2] - edges[1]);
            const double height = fmax(0, fmin(rising, falling));
            const double weight =
                step->whole[FLAGS] & NORM ? height * (2 / (edges[2] - edges[0])) : height;
            weights[band * bins + bin] = (float)weight;
            if (weight > 0) {
                spans[2 * band] = spans[2 * band + 1] == 0 ? bin : spans[2 * band];
                spans[2 * band + 1] = bin + 1;
            }
        }
    }
}

/* Sample `at` of the waveform: mirrored at its ends, or 0 beyond them. */
static float sample_at(const struct array *waveform, int64_t at, int centre) {
    const int64_t count = waveform->shape[0];
    if (!centre) {
        return at < count ? waveform->data[at] : 0;
    }
    while (count > 1 && (at < 0 || at >= count)) {
        at = at < 0 ? -at : 2 * (count - 1) - at;
    }
    return waveform->data[count > 1 ? at : 0];
}

/* `frame` [2, fft]: room for a frame, then the Hann window. */
static void fill_frame(const struct step *step, const struct array *waveform, int64_t first,
                       struct fourier *fourier, double *frame, double *energy) {
    const int window = step->whole[WINDOW];
    for (int k = 0; k < window; k++) {
        const float hann = (float)frame[step->whole[FFT] + k];
        frame[k] = sample_at(waveform, first + k, step->whole[FLAGS] & CENTRE) * hann;
    }
    fourier_energy(fourier, frame, energy);
    for (int bin = 0; bin <= step->whole[FFT] / 2; bin++) {
        const double power = step->real[POWER];
        energy[bin] = (float)(power == 2 ? energy[bin] : pow(energy[bin], power / 2));
    }
}

static float level_of(const struct step *step, const float *weights, const int *span,
                      const double *energy) {
    float mel = 0;
    for (int bin = span[0]; bin < span[1]; bin++) {
        mel += (float)energy[bin] * weights[bin];
    }
    const float floor = (float)step->real[FLOOR];
    return step->whole[FLAGS] & NATURAL ? logf(mel + floor)
                                        : 10 * log10f(mel > floor ? mel : floor);
}

static int64_t count_frames(const struct step *step, int64_t count) {
    const int window = step->whole[WINDOW];
    const int64_t padded = step->whole[FLAGS] & CENTRE ? count + window
                           : count < window            ? window
                                                       : count;
    return (padded - window) / step->whole[HOP] + 1;
}

int run_log_mel(const struct step *step, struct value *value, aiwf_error *error) {
    const int window = step->whole[WINDOW], fft = step->whole[FFT], bands = step->whole[BANDS];
    const size_t bins = (size_t)fft / 2 + 1;
    const struct array waveform = value->arrays[0];
    const int64_t frames = count_frames(step, waveform.shape[0]);
    struct array levels = {0};
    struct fourier fourier;
    int code = fourier_make(&fourier, fft, error);
    double *frame = allocated((size_t)fft, 2 * sizeof *frame, error);
    double *energy = allocated(bins, sizeof *energy, error);
    float *weights = allocated((size_t)bands * bins, sizeof *weights, error);
    int *spans = allocated((size_t)bands, 2 * sizeof *spans, error);
    if (code == AIWF_OK && (!frame || !energy || !weights || !spans)) {
        code = AIWF_NO_MEMORY;
    }
    if (code == AIWF_OK) {
        code = array_resize(&levels, 2, bands, frames, 1, 1, error);
    }
    if (code == AIWF_OK) {
        fill_filters(step, weights, spans);
        for (int k = 0; k < window; k++) {
            frame[fft + k] = 0.5 - 0.5 * cos(2 * PI * k / window);
        }
        const int64_t before = step->whole[FLAGS] & CENTRE ? window / 2 : 0;
        for (int64_t k = 0; k < frames; k++) {
            fill_frame(step, &waveform, k * step->whole[HOP] - before, &fourier, frame, energy);
            for (int band = 0; band < bands; band++) {
                levels.data[band * frames + k] =
                    level_of(step, weights + (size_t)band * bins, spans + 2 * band, energy);
            }
        }
        free(waveform.data);
        value->arrays[0] = levels;
    }
    fourier_free(&fourier);
    free(frame);
    free(energy);
    free(weights);
    free(spans);
    return code;
}

int parse_mfcc(const json *args, struct step *step, aiwf_error *error) {
    const int code = json_whole(args, "count", 1, 1024, &step->whole[COUNT], error);
    if (code != AIWF_OK) {
        return code;
    }
    const int fits = parse_log_mel(args, step, error);
    if (fits == AIWF_OK && (step->whole[COUNT] < 1 || step->whole[COUNT] > step->whole[BANDS])) {
        return fail(error, AIWF_DAMAGED, "mfcc has a count that is not 1 to bands. " AGAIN);
    }
    return fits;
}

int run_mfcc(const struct step *step, struct value *value, aiwf_error *error) {
    const int count = step->whole[COUNT], bands = step->whole[BANDS];
    struct array to = {0};
    int code = run_log_mel(step, value, error);
    if (code == AIWF_OK) {
        code = array_resize(&to, 2, count, value->arrays[0].shape[1], 1, 1, error);
    }
    for (int row = 0; code == AIWF_OK && row < count; row++) {
        for (int band = 0; band < bands; band++) {
            const double turn = cos(PI / bands * (band + 0.5) * row);
            const float by = (float)(turn * sqrt((row == 0 ? 1.0 : 2.0) / bands));
            for (int64_t k = 0; k < to.shape[1]; k++) {
                to.data[row * to.shape[1] + k] +=
                    by * value->arrays[0].data[band * to.shape[1] + k];
            }
        }
    }
    if (code == AIWF_OK) {
        free(value->arrays[0].data);
        value->arrays[0] = to;
    }
    return code;
}
