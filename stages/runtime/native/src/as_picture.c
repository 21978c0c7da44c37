/* The step as_picture: spectrograms as the input of a network for pictures. See runtime/windows.py
   and runtime/energy.py, whose normalisation is that of Wang et al. (arXiv 1607.05666). */
#include "steps.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MOST_SIDE 1024
#define MOST_CHANNELS 16
#define SMOOTHING 0.025
#define GAIN 0.98
#define OFFSET 2.0
#define LEAST 1e-6
#define QUIET 1.0 /* percentiles that become 0 and 1 */
#define LOUD 99.5

/* Places in step->whole and step->real. */
enum { HEIGHT, WIDTH, HAS_TOP, ENERGY };
enum { SPAN, TOP };

int parse_as_picture(const json *args, struct step *step, aiwf_error *error) {
    const json *top = json_item(args, "top"), *energy = json_item(args, "energy");
    int code = step_size(args, "size", MOST_SIDE, &step->whole[HEIGHT], &step->whole[WIDTH], error);
    step->real[SPAN] = 80;
    step->whole[HAS_TOP] = top != NULL && top->type == JSON_NUMBER;
    step->whole[ENERGY] = energy != NULL && energy->type == JSON_TRUE;
    if (code == AIWF_OK) {
        code = json_number(args, "span", 1e-3, 1e6, &step->real[SPAN], error);
    }
    if (code == AIWF_OK && step->whole[HAS_TOP]) {
        code = json_number(args, "top", -1e6, 1e6, &step->real[TOP], error);
    }
    return code != AIWF_OK ? code : step_mean_std(args, 1, MOST_CHANNELS, step, error);
}

/* `from` [rows, length] as `to` [rows, size], by a triangle filter. */
static int resize(const float *from, int64_t rows, int64_t length, int64_t size, float *to,
                  aiwf_error *error) {
    const double scale = (double)length / (double)size, reach = fmax(1.0, scale);
    const int taps = (int)ceil(2 * reach) + 1;
    double *weights = allocated((size_t)taps, sizeof *weights, error);
    if (weights == NULL) {
        return AIWF_NO_MEMORY;
    }
    for (int64_t out = 0; out < size; out++) {
        const double middle = ((double)out + 0.5) * scale;
        const int64_t first = (int64_t)floor(middle - reach);
        double total = 0;
        for (int k = 0; k < taps; k++) {
            const int64_t tap = first + k;
            const double weight = fmax(0, 1 - fabs((double)tap + 0.5 - middle) / reach);
            weights[k] = tap >= 0 && tap < length ? weight : 0;
            total += weights[k];
        }
        for (int64_t row = 0; row < rows; row++) {
            float sum = 0;
            for (int k = 0; k < taps; k++) {
                if (weights[k] > 0) {
                    sum += from[row * length + first + k] * (float)(weights[k] / total);
                }
            }
            to[row * size + out] = sum;
        }
    }
    free(weights);
    return AIWF_OK;
}

static void transpose(const float *from, int64_t rows, int64_t columns, float *to) {
    for (int64_t k = 0; k < rows * columns; k++) {
        to[k % columns * rows + k / columns] = from[k];
    }
}

/* `levels` [bands, frames] with low frequencies at the bottom, as `to` [height, width]. */
static int upright(const float *levels, int64_t bands, int64_t frames, int64_t height,
                   int64_t width, float *to, aiwf_error *error) {
    const size_t most =
        (size_t)((bands > height ? bands : height) * (frames > width ? frames : width));
    float *first = allocated(most, sizeof *first, error),
          *second = allocated(most, sizeof *second, error);
    int code = first == NULL || second == NULL ? AIWF_NO_MEMORY : AIWF_OK;
    for (int64_t band = 0; code == AIWF_OK && band < bands; band++) {
        memcpy(first + band * frames, levels + (bands - 1 - band) * frames,
               (size_t)frames * sizeof *first);
    }
    if (code == AIWF_OK) {
        code = resize(first, bands, frames, width, second, error);
    }
    if (code == AIWF_OK) {
        transpose(second, bands, width, first);
        code = resize(first, width, bands, height, second, error);
    }
    if (code == AIWF_OK) {
        transpose(second, width, height, to);
    }
    free(first);
    free(second);
    return code;
}

static void scale_levels(const struct step *step, const float *levels, int64_t count, float *to) {
    float loudest = levels[0], quietest = levels[0];
    const float span = (float)step->real[SPAN];
    for (int64_t k = 0; k < count; k++) {
        loudest = fmaxf(loudest, levels[k]);
        quietest = fminf(quietest, levels[k]);
    }
    const int silent = !step->whole[HAS_TOP] && loudest == quietest;
    loudest = step->whole[HAS_TOP] ? (float)step->real[TOP] : loudest;
    for (int64_t k = 0; k < count; k++) {
        to[k] = silent ? 0 : fmaxf(0, fminf(1, (levels[k] - (loudest - span)) / span));
    }
}

static int ascending(const void *a, const void *b) {
    const float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

static double percentile(const float *sorted, int64_t count, double percent) {
    const double at = (double)(count - 1) * percent / 100;
    const int64_t low = (int64_t)floor(at), high = low + 1 < count ? low + 1 : low;
    return sorted[low] + (at - (double)low) * ((double)sorted[high] - sorted[low]);
}

/* Each band relative to its own recent level, from 0 to 1. */
static int normalise_energy(const float *levels, int64_t rows, int64_t frames, float *to,
                            aiwf_error *error) {
    const int64_t count = rows * frames;
    const double full_scale = pow(2, 15.5);
    float *sorted = allocated((size_t)count, sizeof *sorted, error);
    if (sorted == NULL) {
        return AIWF_NO_MEMORY;
    }
    for (int64_t row = 0; row < rows; row++) {
        double mean = 0;
        for (int64_t k = row * frames; k < (row + 1) * frames; k++) {
            const double amplitude = full_scale * pow(10, (double)levels[k] / 20);
            mean = k == row * frames ? amplitude : mean + SMOOTHING * (amplitude - mean);
            to[k] = (float)(sqrt(amplitude / pow(LEAST + mean, GAIN) + OFFSET) - sqrt(OFFSET));
        }
    }
    memcpy(sorted, to, (size_t)count * sizeof *sorted);
    qsort(sorted, (size_t)count, sizeof *sorted, ascending);
    const double low = percentile(sorted, count, QUIET), high = percentile(sorted, count, LOUD);
    for (int64_t k = 0; k < count; k++) {
        const double share = high - low < LEAST ? 0 : ((double)to[k] - low) / (high - low);
        to[k] = (float)fmax(0, fmin(1, share));
    }
    free(sorted);
    return AIWF_OK;
}

static void write_channels(const struct step *step, const float *picture, int64_t count,
                           float *to) {
    for (int channel = 0; channel < step->count; channel++) {
        for (int64_t k = 0; k < count; k++) {
            to[channel * count + k] =
                (picture[k] - step->numbers[channel]) / step->numbers[step->count + channel];
        }
    }
}

int run_as_picture(const struct step *step, struct value *value, aiwf_error *error) {
    const struct array from = value->arrays[0];
    const int64_t windows = from.shape[0], bands = from.shape[2], frames = from.shape[3];
    const int64_t height = step->whole[HEIGHT], width = step->whole[WIDTH];
    const int64_t upper = step->whole[ENERGY] ? height / 2 : height, count = array_count(&from);
    struct array to = {0};
    int code = from.rank == 4 && from.shape[1] == 1
                   ? array_resize(&to, 4, windows, step->count, height, width, error)
                   : fail(error, AIWF_DAMAGED, "as_picture has to follow windows. " AGAIN);
    float *levels = allocated((size_t)count, sizeof *levels, error);
    float *energy = allocated((size_t)count, sizeof *energy, error);
    float *picture = allocated((size_t)(height * width), sizeof *picture, error);
    if (code == AIWF_OK && (levels == NULL || energy == NULL || picture == NULL)) {
        code = AIWF_NO_MEMORY;
    }
    if (code == AIWF_OK) {
        scale_levels(step, from.data, count, levels);
        if (step->whole[ENERGY]) {
            code = normalise_energy(from.data, windows * bands, frames, energy, error);
        }
    }
    for (int64_t k = 0; code == AIWF_OK && k < windows; k++) {
        const int64_t at = k * bands * frames;
        code = upper == 0 ? AIWF_OK
                          : upright(levels + at, bands, frames, upper, width, picture, error);
        if (code == AIWF_OK && step->whole[ENERGY]) {
            code = upright(energy + at, bands, frames, height - upper, width,
                           picture + upper * width, error);
        }
        write_channels(step, picture, height * width, to.data + k * step->count * height * width);
    }
    free(levels);
    free(energy);
    free(picture);
    if (code != AIWF_OK) {
        free(to.data);
        return code;
    }
    free(from.data);
    value->arrays[0] = to;
    return AIWF_OK;
}
