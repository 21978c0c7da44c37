/* The steps resize, normalise, to_channels_first and mirrored.

   The resize is the antialiased bilinear filter of Pillow, in whole numbers: along rows and along
   columns, each rounded to 8 bits. */
#include "steps.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define BITS 22 /* of a filter's weights behind the point */
#define LONGEST_SIDE 2048

enum fit { STRETCH, LETTERBOX, CROP };

/* The filter along one axis: the pixels that make pixel `at` are first[at] to first[at] +
   count[at], with the weights from most * at on. */
struct filter {
    int *first, *count;
    int32_t *weights;
    int out, most;
};

int parse_resize(const json *args, struct step *step, aiwf_error *error) {
    const char *fit = json_text(json_item(args, "fit"), "stretch");
    step->whole[2] = strcmp(fit, "letterbox") == 0 ? LETTERBOX
                     : strcmp(fit, "crop") == 0    ? CROP
                                                   : STRETCH;
    step->whole[3] = 128;
    if (step->whole[2] == STRETCH && strcmp(fit, "stretch") != 0) {
        return fail(error, AIWF_DAMAGED, "resize has no fit '%.50s'. " AGAIN, fit);
    }
    const int code = json_whole(args, "fill", 0, 255, &step->whole[3], error);
    return code != AIWF_OK
               ? code
               : step_size(args, "size", LONGEST_SIDE, &step->whole[0], &step->whole[1], error);
}

static void filter_free(struct filter *filter) {
    free(filter->first);
    free(filter->count);
    free(filter->weights);
}

/* The filter that makes `out` pixels of `begin` to `end` of `source` pixels. */
static int filter_make(struct filter *filter, int source, double begin, double end, int out,
                       aiwf_error *error) {
    const double scale = (double)((float)end - (float)begin) / out; /* as Pillow subtracts */
    const double reach = scale < 1 ? 1 : scale;
    filter->out = out;
    filter->most = (int)ceil(reach) * 2 + 1;
    filter->first = allocated((size_t)out, sizeof *filter->first, error);
    filter->count = allocated((size_t)out, sizeof *filter->count, error);
    filter->weights = allocated((size_t)out * (size_t)filter->most, sizeof *filter->weights, error);
    if (filter->first == NULL || filter->count == NULL || filter->weights == NULL) {
        return AIWF_NO_MEMORY;
    }
    for (int at = 0; at < out; at++) {
        const double centre = begin + (at + 0.5) * scale;
        int low = (int)(centre - reach + 0.5), high = (int)(centre + reach + 0.5);
        double total = 0;
        low = low < 0 ? 0 : low;
        high = high > source ? source : high;
        for (int k = low; k < high; k++) {
            const double away = fabs((k - centre + 0.5) / reach);
            total += away < 1 ? 1 - away : 0;
        }
        for (int k = low; k < high; k++) {
            const double away = fabs((k - centre + 0.5) / reach);
            const double share = (away < 1 ? 1 - away : 0) / (total != 0 ? total : 1);
            filter->weights[at * filter->most + k - low] = (int32_t)(0.5 + share * (1 << BITS));
        }
        filter->first[at] = low;
        filter->count[at] = high - low;
    }
    return AIWF_OK;
}

static uint8_t rounded(int32_t sum) {
    const int32_t value = sum >> BITS;
    return (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
}

static void along_rows(const struct filter *filter, const uint8_t *from, int width, int height,
                       uint8_t *to) {
    for (int y = 0; y < height; y++, from += 3 * (size_t)width) {
        for (int x = 0; x < filter->out; x++, to += 3) {
            const int32_t *weight = filter->weights + (size_t)x * (size_t)filter->most;
            const uint8_t *pixel = from + 3 * (size_t)filter->first[x];
            int32_t sums[3] = {1 << (BITS - 1), 1 << (BITS - 1), 1 << (BITS - 1)};
            for (int k = 0; k < filter->count[x]; k++, pixel += 3) {
                sums[0] += pixel[0] * weight[k];
                sums[1] += pixel[1] * weight[k];
                sums[2] += pixel[2] * weight[k];
            }
            to[0] = rounded(sums[0]);
            to[1] = rounded(sums[1]);
            to[2] = rounded(sums[2]);
        }
    }
}

static void along_columns(const struct filter *filter, const uint8_t *from, int width,
                          int32_t *sums, uint8_t *to) {
    const int row = 3 * width;
    for (int y = 0; y < filter->out; y++, to += row) {
        const int32_t *weight = filter->weights + (size_t)y * (size_t)filter->most;
        const uint8_t *pixels = from + (size_t)row * (size_t)filter->first[y];
        for (int k = 0; k < row; k++) {
            sums[k] = 1 << (BITS - 1);
        }
        for (int j = 0; j < filter->count[y]; j++, pixels += row) {
            for (int k = 0; k < row; k++) {
                sums[k] += pixels[k] * weight[j];
            }
        }
        for (int k = 0; k < row; k++) {
            to[k] = rounded(sums[k]);
        }
    }
}

/* Whether Pillow 13 filters columns before rows: found by trying both orders on hundreds of sizes.
   Older versions always begin with rows; a pixel then differs by 1 at most. */
static int columns_first(int width, int height, int out_width, int out_height) {
    return height > out_height && height - out_height > 2 * (width - out_width);
}

/* Of `from` [height, width, 3] the part with the edges left, top, right, bottom as `to`
   [out_height, out_width, 3]. */
static int scale(const uint8_t *from, int width, int height, const double part[4], int out_width,
                 int out_height, uint8_t *to, aiwf_error *error) {
    const int turned = columns_first(width, height, out_width, out_height);
    const size_t rows_between = (size_t)(turned ? out_height : height);
    const size_t row = (size_t)(turned ? width : out_width);
    struct filter columns = {0}, rows = {0};
    uint8_t *between = NULL;
    int32_t *sums = NULL;
    int code = filter_make(&columns, width, part[0], part[2], out_width, error);
    if (code == AIWF_OK) {
        code = filter_make(&rows, height, part[1], part[3], out_height, error);
    }
    if (code == AIWF_OK) {
        between = allocated(rows_between * row, 3, error);
        sums = allocated(row, 3 * sizeof *sums, error);
        code = between == NULL || sums == NULL ? AIWF_NO_MEMORY : AIWF_OK;
    }
    if (code == AIWF_OK && turned) {
        along_columns(&rows, from, width, sums, between);
        along_rows(&columns, between, width, out_height, to);
    } else if (code == AIWF_OK) {
        along_rows(&columns, from, width, height, between);
        along_columns(&rows, between, out_width, sums, to);
    }
    filter_free(&columns);
    filter_free(&rows);
    free(between);
    free(sums);
    return code;
}

struct rectangle letterbox(int tall, int broad, int height, int width) {
    const double down = (double)height / tall, along = (double)width / broad;
    const double by = down < along ? down : along;
    struct rectangle inside = {.height = (int)fmax(1, rint(tall * by)),
                               .width = (int)fmax(1, rint(broad * by))};
    inside.top = (height - inside.height) / 2;
    inside.left = (width - inside.width) / 2;
    return inside;
}

static int letterboxed(const struct step *step, const struct value *value, uint8_t *to,
                       aiwf_error *error) {
    const int height = step->whole[0], width = step->whole[1];
    const struct rectangle inside = letterbox(value->height, value->width, height, width);
    const double part[4] = {0, 0, value->width, value->height};
    uint8_t *inner = allocated((size_t)inside.height * (size_t)inside.width, 3, error);
    if (inner == NULL) {
        return AIWF_NO_MEMORY;
    }
    const int code = scale(value->pixels, value->width, value->height, part, inside.width,
                           inside.height, inner, error);
    memset(to, step->whole[3], 3 * (size_t)height * (size_t)width);
    for (int row = 0; row < inside.height && code == AIWF_OK; row++) {
        memcpy(to + 3 * ((size_t)(inside.top + row) * (size_t)width + (size_t)inside.left),
               inner + 3 * (size_t)row * (size_t)inside.width, 3 * (size_t)inside.width);
    }
    free(inner);
    return code;
}

int run_resize(const struct step *step, struct value *value, aiwf_error *error) {
    const int height = step->whole[0], width = step->whole[1];
    double part[4] = {0, 0, value->width, value->height};
    uint8_t *resized = allocated((size_t)height * (size_t)width, 3, error);
    if (resized == NULL) {
        return AIWF_NO_MEMORY;
    }
    if (step->whole[2] == CROP) {
        const double ratio = (double)height / width;
        const double wide = fmin(value->width, value->height / ratio);
        const double high = fmin(value->height, value->width * ratio);
        /* Pillow takes the edges as float32 */
        part[0] = (float)((value->width - wide) / 2);
        part[1] = (float)((value->height - high) / 2);
        part[2] = (float)((value->width - wide) / 2 + wide);
        part[3] = (float)((value->height - high) / 2 + high);
    }
    const int code = step->whole[2] == LETTERBOX ? letterboxed(step, value, resized, error)
                                                 : scale(value->pixels, value->width, value->height,
                                                         part, width, height, resized, error);
    if (code != AIWF_OK) {
        free(resized);
        return code;
    }
    free(value->pixels);
    value->pixels = resized;
    value->width = width;
    value->height = height;
    return AIWF_OK;
}

int parse_normalise(const json *args, struct step *step, aiwf_error *error) {
    const int code = step_mean_std(args, 3, 3, step, error);
    for (int k = 0; k < 3 && code == AIWF_OK; k++) {
        const float mean = step->numbers[k], std = step->numbers[3 + k];
        step->numbers[k] = 1.0f / (255.0f * std);
        step->numbers[3 + k] = mean / std;
    }
    return code;
}

int run_normalise(const struct step *step, struct value *value, aiwf_error *error) {
    struct array *to = &value->arrays[0];
    const int code = array_resize(to, 3, value->height, value->width, 3, 1, error);
    for (int64_t k = 0; code == AIWF_OK && k < array_count(to) / 3 * 3; k++) {
        const float scaled = (float)value->pixels[k] * step->numbers[k % 3];
        to->data[k] = scaled - step->numbers[3 + k % 3];
    }
    return code;
}

int run_to_channels_first(const struct step *step, struct value *value, aiwf_error *error) {
    const int64_t count = (int64_t)value->height * value->width;
    const struct array from = value->arrays[0];
    struct array to = {0};
    (void)step;
    const int code = array_resize(&to, 4, 1, 3, value->height, value->width, error);
    for (int64_t k = 0; code == AIWF_OK && k < count; k++) {
        for (int channel = 0; channel < 3; channel++) {
            to.data[channel * count + k] = value->kind == KIND_PICTURE
                                               ? (float)value->pixels[3 * k + channel]
                                               : from.data[3 * k + channel];
        }
    }
    free(from.data);
    value->arrays[0] = to;
    return code;
}

int run_mirrored(const struct step *step, struct value *value, aiwf_error *error) {
    const struct array from = value->arrays[0];
    struct array to = {0};
    (void)step;
    if (from.shape[0] != 1 || value->spans != NULL) {
        return fail(error, AIWF_DAMAGED,
                    "Step 'mirrored' takes one picture, and is given several windows. " AGAIN);
    }
    const int64_t height = from.shape[2], width = from.shape[3];
    const int64_t count = from.shape[1] * height * width;
    const int code = array_resize(&to, 4, 2, from.shape[1], height, width, error);
    for (int64_t k = 0; code == AIWF_OK && k < count; k++) {
        to.data[k] = from.data[k];
        to.data[count + k] = from.data[k - k % width + (width - 1 - k % width)];
    }
    if (code == AIWF_OK) {
        free(from.data);
        value->arrays[0] = to;
    }
    return code;
}
