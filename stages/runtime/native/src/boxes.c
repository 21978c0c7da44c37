/* The steps decode_boxes, decode_priors and decode_corners: from a detector's outputs to candidates. See
   runtime/boxes.py and runtime/priors.py. */
#include "after.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define LONGEST_SIDE 2048
#define MOST_STRIDES 8
#define FARTHEST 4.0f /* a side is at most e to this power as long as its prior's */
#define PRIORS 4      /* of a cell */

/* Places in step->whole, behind HEIGHT and WIDTH. */
enum { BINS = WIDTH + 1, LETTERBOX };

static int parse_strides(const json *args, struct step *step, aiwf_error *error) {
    const int code =
        step_numbers(args, "strides", 1, MOST_STRIDES, &step->numbers, &step->count, error);
    for (int k = 0; code == AIWF_OK && k < step->count; k++) {
        const float stride = step->numbers[k];
        if (!(stride >= 1 && stride <= 1024) || stride != floorf(stride)) {
            return fail(error, AIWF_DAMAGED, "'strides' has to be whole numbers. " AGAIN);
        }
    }
    return code;
}

int parse_decode_boxes(const json *args, struct step *step, aiwf_error *error) {
    step->whole[BINS] = 1;
    int code =
        step_size(args, "size", LONGEST_SIDE, &step->whole[HEIGHT], &step->whole[WIDTH], error);
    if (code == AIWF_OK) {
        code = json_whole(args, "bins", 1, 64, &step->whole[BINS], error);
    }
    return code != AIWF_OK ? code : parse_strides(args, step, error);
}

static int64_t cells(int side, float stride) {
    return ((int64_t)side + (int64_t)stride - 1) / (int64_t)stride;
}

/* AIWF_ENGINE_FAILED unless both outputs are [1, points, ...], the second with `numbers`. */
static int check_outputs(const struct value *value, int64_t points, int64_t numbers,
                         aiwf_error *error) {
    const struct array *logits = &value->arrays[0], *places = &value->arrays[1];
    if (logits->rank != 3 || places->rank != 3 || logits->shape[0] != 1 || places->shape[0] != 1 ||
        logits->shape[1] != points || places->shape[1] != points || places->shape[2] != numbers ||
        logits->shape[2] < 1) {
        return fail(error, AIWF_ENGINE_FAILED,
                    "The network's outputs have other shapes than %d points need. " NOT_OF_ONE,
                    (int)points);
    }
    return AIWF_OK;
}

/* The expected distance of logits of 0, 1, ... strides, which are replaced by their scores. */
static float expected(float *distances, int bins) {
    float sum = 0;
    if (bins == 1) {
        return distances[0];
    }
    softmax(distances, bins);
    for (int k = 0; k < bins; k++) {
        sum += distances[k] * (float)k;
    }
    return sum;
}

int run_decode_boxes(const struct step *step, struct value *value, aiwf_error *error) {
    struct array *logits = &value->arrays[0], *distances = &value->arrays[1], boxes = {0};
    const int height = step->whole[HEIGHT], width = step->whole[WIDTH], bins = step->whole[BINS];
    int64_t points = 0, point = 0;
    for (int k = 0; k < step->count; k++) {
        points += cells(height, step->numbers[k]) * cells(width, step->numbers[k]);
    }
    int code = check_outputs(value, points, (int64_t)4 * bins, error);
    if (code == AIWF_OK) {
        code = array_resize(&boxes, 2, points, 4, 1, 1, error);
    }
    for (int k = 0; code == AIWF_OK && k < step->count; k++) {
        const float stride = step->numbers[k];
        const int64_t columns = cells(width, stride), all = columns * cells(height, stride);
        for (int64_t cell = 0; cell < all; cell++, point++) {
            const float x = ((float)(cell % columns) + 0.5f) * stride;
            const float y = ((float)(cell / columns) + 0.5f) * stride;
            for (int edge = 0; edge < 4; edge++) {
                const float away =
                    stride * expected(distances->data + (4 * point + edge) * bins, bins);
                const float place = (edge % 2 ? y : x) + (edge < 2 ? -away : away);
                boxes.data[4 * point + edge] = place / (float)(edge % 2 ? height : width);
            }
        }
    }
    for (int64_t k = 0; code == AIWF_OK && k < array_count(logits); k++) {
        logits->data[k] = 1 / (1 + expf(-fmaxf(-60, fminf(60, logits->data[k]))));
    }
    if (code == AIWF_OK) {
        free(distances->data);
        *distances = boxes; /* scores [1, points, labels] stay beside them */
    }
    return code;
}

int parse_decode_priors(const json *args, struct step *step, aiwf_error *error) {
    const json *shares = json_item(args, "shares");
    float *strides;
    int code = json_whole(args, "size", 1, LONGEST_SIDE, &step->whole[HEIGHT], error);
    if (code == AIWF_OK) {
        code = parse_strides(args, step, error);
    }
    if (code != AIWF_OK) {
        return code;
    }
    if (step->whole[HEIGHT] < 1 || shares == NULL || shares->type != JSON_LIST ||
        shares->count != step->count) {
        return fail(error, AIWF_DAMAGED, "decode_priors needs two shares for each stride. " AGAIN);
    }
    strides = step->numbers;
    step->numbers = allocated((size_t)step->count, 3 * sizeof(float), error); /* then the shares */
    for (int k = 0; step->numbers != NULL && k < step->count; k++) {
        step->numbers[k] = strides[k];
        for (int end = 0; end < 2; end++) {
            const double number = json_real(json_at(json_at(shares, k), end), 0);
            step->numbers[step->count + 2 * k + end] = (float)number;
            if (!(number >= 1e-4 && number <= 4)) {
                code = fail(error, AIWF_DAMAGED,
                            "'shares' has to be numbers from 0.0001 to 4. " AGAIN);
            }
        }
    }
    free(strides);
    return step->numbers == NULL ? AIWF_NO_MEMORY : code;
}

/* The box at `offset` from prior number `kind` of a cell with the centre (x, y). */
static void place_box(const float *offset, int kind, double x, double y, double least, double most,
                      float *box) {
    static const double aspects[PRIORS - 1] = {1.0, 2.0, 0.5};
    const double root = kind < PRIORS - 1 ? sqrt(aspects[kind]) : 0;
    const double sides[2] = {kind < PRIORS - 1 ? least * root : sqrt(least * most),
                             kind < PRIORS - 1 ? least / root : sqrt(least * most)};
    const double centre[2] = {x, y};
    for (int axis = 0; axis < 2; axis++) {
        const float low = (float)(centre[axis] - sides[axis] / 2);
        const float high = (float)(centre[axis] + sides[axis] / 2);
        const float middle = (low + high) / 2, side = high - low;
        const float moved = middle + offset[axis] * 0.1f * side;
        const float power = fmaxf(-FARTHEST, fminf(FARTHEST, offset[2 + axis] * 0.2f));
        const float grown = side * expf(power) / 2;
        box[axis] = moved - grown;
        box[2 + axis] = moved + grown;
    }
}

/* Scores of the labels without the background, which comes first. */
static int without_background(struct array *logits, aiwf_error *error) {
    const int64_t points = logits->shape[1], all = logits->shape[2];
    struct array scores = {0};
    const int code = array_resize(&scores, 3, 1, points, all - 1, 1, error);
    for (int64_t point = 0; code == AIWF_OK && point < points; point++) {
        softmax(logits->data + point * all, all);
        memcpy(scores.data + point * (all - 1), logits->data + point * all + 1,
               (size_t)(all - 1) * sizeof(float));
    }
    if (code == AIWF_OK) {
        free(logits->data);
        *logits = scores;
    }
    return code;
}

int run_decode_priors(const struct step *step, struct value *value, aiwf_error *error) {
    struct array *offsets = &value->arrays[1], boxes = {0};
    const int size = step->whole[HEIGHT];
    int64_t points = 0, point = 0;
    for (int k = 0; k < step->count; k++) {
        points += PRIORS * cells(size, step->numbers[k]) * cells(size, step->numbers[k]);
    }
    int code = check_outputs(value, points, 4, error);
    if (code == AIWF_OK) {
        code = array_resize(&boxes, 2, points, 4, 1, 1, error);
    }
    for (int k = 0; code == AIWF_OK && k < step->count; k++) {
        const float *shares = step->numbers + step->count + 2 * k;
        const double stride = step->numbers[k];
        const int64_t side = cells(size, step->numbers[k]);
        for (int64_t at = 0; at < side * side * PRIORS; at++, point++) {
            const int64_t cell = at / PRIORS;
            place_box(offsets->data + 4 * point, (int)(at % PRIORS),
                      ((double)(cell % side) + 0.5) * stride / size,
                      ((double)(cell / side) + 0.5) * stride / size, shares[0], shares[1],
                      boxes.data + 4 * point);
        }
    }
    if (code == AIWF_OK) {
        code = without_background(&value->arrays[0], error);
    }
    if (code != AIWF_OK) {
        free(boxes.data);
        return code;
    }
    free(offsets->data);
    *offsets = boxes;
    return AIWF_OK;
}

int parse_decode_corners(const json *args, struct step *step, aiwf_error *error) {
    const char *fit = json_text(json_item(args, "fit"), "stretch");
    step->whole[LETTERBOX] = strcmp(fit, "letterbox") == 0;
    if (!step->whole[LETTERBOX] && strcmp(fit, "stretch") != 0) {
        return fail(error, AIWF_DAMAGED, "decode_corners has no fit '%.40s'. " AGAIN, fit);
    }
    return step_size(args, "size", LONGEST_SIDE, &step->whole[HEIGHT], &step->whole[WIDTH], error);
}

int run_decode_corners(const struct step *step, struct value *value, aiwf_error *error) {
    struct array *corners = &value->arrays[1];
    struct rectangle inside = {0, 0, step->whole[HEIGHT], step->whole[WIDTH]};
    const int code = check_outputs(value, value->arrays[0].shape[1], 4, error);
    if (code != AIWF_OK) {
        return code;
    }
    if (step->whole[LETTERBOX]) {
        inside = letterbox(value->picture_height, value->picture_width, inside.height,
                           inside.width);
    }
    for (int64_t k = 0; k < array_count(corners); k++) {
        const int vertical = k % 2 != 0;
        const float start = (float)(vertical ? inside.top : inside.left);
        corners->data[k] =
            (corners->data[k] - start) / (float)(vertical ? inside.height : inside.width);
    }
    corners->rank = 2; /* [1, rows, 4] to [rows, 4], as the other steps leave boxes */
    corners->shape[0] = corners->shape[1];
    corners->shape[1] = 4;
    return AIWF_OK;
}
