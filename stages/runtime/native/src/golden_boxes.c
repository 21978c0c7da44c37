#include "golden.h"

#include "after.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define POINTS 16
#define APART 29 /* points between two simulated objects */
#define SURE 3.0
#define UNSURE -9.0f
#define NEAREST 1e-6 /* of a score to 0 and 1 */
#define SAME 0.5     /* least overlap of two boxes around the same object */
#define MOST_ROWS 1000
#define PLACES 8        /* of simulated objects, across and down */
#define LENGTH 0.25     /* of a simulated box, as a share of width and height */
#define SHIFT (1 / 64.) /* likewise, between two rows */

static double number_at(const json *row, int place) {
    return json_real(json_at(row, place), INFINITY);
}

static int copy_value(const struct value *from, struct value *to, aiwf_error *error) {
    int code = AIWF_OK;
    *to = (struct value){.kind = from->kind,
                         .picture_width = from->picture_width,
                         .picture_height = from->picture_height};
    for (int k = 0; k < MOST_OUTPUTS && code == AIWF_OK; k++) {
        const struct array *array = &from->arrays[k];
        code = array_resize(&to->arrays[k], array->rank, array->shape[0], array->shape[1],
                            array->shape[2], array->shape[3], error);
        if (code == AIWF_OK) {
            memcpy(to->arrays[k].data, array->data, (size_t)array_count(array) * sizeof(float));
        }
    }
    return code;
}

/* Scores of the simulated `logits`, and boxes in pixels of the network's picture. */
static void plant_corners(const struct step *decode, struct array *logits, struct array *corners) {
    for (int64_t k = 0; k < array_count(logits); k++) {
        logits->data[k] = (float)(1 / (1 + exp(-(double)logits->data[k])));
    }
    for (int64_t k = 0; k < array_count(corners); k++) {
        const int64_t number = k / 4 / APART, beside = k / 4 % APART;
        const int vertical = k % 2 != 0;
        const int64_t place = vertical ? 5 * number + number / PLACES : 3 * number;
        const double start = ((double)(place % PLACES) - 0.5) / PLACES + (double)beside * SHIFT;
        const int side = decode->whole[vertical ? HEIGHT : WIDTH];
        corners->data[k] = (float)((start + (k % 4 < 2 ? 0 : LENGTH)) * side);
    }
}

/* Replace the outputs by simulated ones for the step `decode`: every APART points an object, which
   the next point detects, too. */
static void plant(const struct step *decode, struct value *value) {
    struct array *logits = &value->arrays[0], *places = &value->arrays[1];
    const int64_t points = logits->shape[1], labels = logits->shape[2];
    int64_t number = 0;
    for (int64_t k = 0; k < points * labels; k++) {
        logits->data[k] = UNSURE;
    }
    for (int64_t point = 0; point < points - 1; point += APART, number++) {
        const double surer = SURE - (double)number / 16;
        logits->data[point * labels + (number + 1) % labels] = (float)(surer - 2);
        logits->data[point * labels + number % labels] = (float)surer;
        logits->data[(point + 1) * labels + number % labels] = (float)(surer - 1);
    }
    if (strcmp(decode->kind->name, "decode_corners") == 0) {
        plant_corners(decode, logits, places);
        return;
    }
    for (int64_t k = 0; k < array_count(places); k++) {
        places->data[k] = (float)(2 + (double)(k % 5) / 4);
    }
}

/* Twice the root mean square of the deviations of the candidates at POINTS places. */
static int compare_points(const aiwf_predictor *predictor, struct value *outputs,
                          const json *expected, double *furthest, aiwf_error *error) {
    const struct step *decode = &predictor->package.after.items[0];
    const int code = decode->kind->run(decode, outputs, error);
    double sum = 0;
    if (code != AIWF_OK) {
        return code;
    }
    const struct array *scores = &outputs->arrays[0], *boxes = &outputs->arrays[1];
    const int64_t points = boxes->shape[0], labels = scores->shape[2];
    for (int place = 0; place < POINTS; place++) {
        const int64_t at = (int64_t)rint((double)(points - 1) * place / (POINTS - 1));
        const json *item = json_at(expected, place);
        item = item != NULL && item->type == JSON_LIST ? item->first : NULL;
        for (int64_t k = 0; k < labels + 4; k++, item = item == NULL ? NULL : item->next) {
            double found;
            if (k < labels) {
                const double score =
                    fmax(NEAREST, fmin(1 - NEAREST, scores->data[at * labels + k]));
                found = log(score / (1 - score));
            } else {
                found = boxes->data[4 * at + k - labels];
            }
            const double away = deviation(json_real(item, INFINITY), found);
            sum += away * away;
        }
    }
    *furthest = fmax(*furthest, 2 * sqrt(sum / (double)(POINTS * (labels + 4))));
    return isnan(sum)
               ? fail(error, AIWF_DAMAGED, "A golden answer has not a row for each point. " AGAIN)
               : AIWF_OK;
}

/* The rows of a finished `value` against those of `expected`, number by number. */
static void compare_rows(const struct value *value, const json *expected, double *furthest) {
    const int64_t count = value->arrays[0].shape[0];
    if (expected == NULL || expected->type != JSON_LIST || expected->count != count) {
        *furthest = INFINITY;
        return;
    }
    const json *row = expected->first;
    for (int64_t k = 0; k < count; k++, row = row->next) {
        for (int place = 0; place < 6; place++) {
            const double digits = place < 4 ? 1e2 : 1e6; /* of a stored edge, and of a score */
            const double found = rounded_to(value->arrays[0].data[6 * k + place], digits);
            const double away = deviation(number_at(row, place), found);
            *furthest = isnan(away) ? INFINITY : fmax(*furthest, away);
        }
    }
}

static double overlap(const aiwf_entry *box, const json *row) {
    const double left = number_at(row, 0), top = number_at(row, 1), right = number_at(row, 2),
                 bottom = number_at(row, 3);
    const double wide = fmin(box->right, right) - fmax(box->left, left);
    const double high = fmin(box->bottom, bottom) - fmax(box->top, top);
    const double common = fmax(wide, 0) * fmax(high, 0);
    const double all = (box->right - box->left) * (box->bottom - box->top) +
                       (right - left) * (bottom - top) - common;
    return common / fmax(all, 1e-9);
}

/* Whether each expected box has a counterpart of its label, and no box is without. */
static int names_the_same(const aiwf_result *result, const json *expected) {
    char matched[MOST_ROWS] = {0};
    if (expected == NULL || expected->type != JSON_LIST || expected->count != result->count ||
        result->count > MOST_ROWS) {
        return 0;
    }
    for (const json *row = expected->first; row != NULL; row = row->next) {
        int found = 0;
        for (int k = 0; k < result->count && !found; k++) {
            const aiwf_entry *box = &result->entries[k];
            if (!matched[k] && box->index == number_at(row, 5) && overlap(box, row) >= SAME) {
                found = matched[k] = 1;
            }
        }
        if (!found) {
            return 0;
        }
    }
    return 1;
}

int compare_boxes(aiwf_predictor *predictor, const file_bytes *sample, const json *expected,
                  double *furthest, int *agrees, aiwf_error *error) {
    struct value value = {.kind = KIND_BYTES, .data = sample->data, .size = sample->size};
    struct value points = {0}, simulated = {0};
    aiwf_result *result = NULL;
    int code = predictor_forward(predictor, 0, &value, error);
    if (code == AIWF_OK) {
        code = copy_value(&value, &points, error);
    }
    if (code == AIWF_OK) {
        code = copy_value(&value, &simulated, error);
    }
    if (code == AIWF_OK) {
        code = predictor_finish(predictor, &value, error);
    }
    if (code == AIWF_OK) {
        code =
            make_result(&predictor->package, &value, predictor->package.threshold, &result, error);
    }
    if (code == AIWF_OK) {
        *agrees = names_the_same(result, json_item(expected, "named"));
        code = compare_points(predictor, &points, json_item(expected, "points"), furthest, error);
    }
    if (code == AIWF_OK) {
        plant(&predictor->package.after.items[0], &simulated);
        code = predictor_finish(predictor, &simulated, error);
    }
    if (code == AIWF_OK) {
        compare_rows(&simulated, json_item(expected, "boxes"), furthest);
    }
    aiwf_free_result(result);
    value_free(&value);
    value_free(&points);
    value_free(&simulated);
    return code;
}
