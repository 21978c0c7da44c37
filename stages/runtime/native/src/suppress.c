/* The steps suppress and to_pixels: see runtime/boxes.py. */
#include "after.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define BEST 1000 /* candidates that suppression considers */

int parse_suppress(const json *args, struct step *step, aiwf_error *error) {
    int code = json_number(args, "overlap", 0, 1, &step->real[0], error);
    if (code == AIWF_OK) {
        code = json_number(args, "least", 0, 1, &step->real[1], error);
    }
    if (code == AIWF_OK) {
        code = json_whole(args, "most", 1, BEST, &step->whole[0], error);
    }
    if (code == AIWF_OK && step->whole[0] < 1) {
        return fail(error, AIWF_DAMAGED, "suppress has no 'most'. " AGAIN);
    }
    return code;
}

struct candidate {
    float score;
    int64_t place; /* point * labels + label */
};

/* Falling score; equal scores by point, then by label. */
static int better(const void *a, const void *b) {
    const struct candidate *x = a, *y = b;
    if (x->score != y->score) {
        return x->score < y->score ? 1 : -1;
    }
    return (x->place > y->place) - (x->place < y->place);
}

static int is_finite(const float *box) {
    return isfinite(box[0]) && isfinite(box[1]) && isfinite(box[2]) && isfinite(box[3]);
}

/* Intersection over union. */
static float overlap(const float *a, const float *b) {
    const float wide = fminf(a[2], b[2]) - fmaxf(a[0], b[0]);
    const float high = fminf(a[3], b[3]) - fmaxf(a[1], b[1]);
    const float common = fmaxf(wide, 0) * fmaxf(high, 0);
    const float all = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - common;
    return common / fmaxf(all, FLT_MIN);
}

/* Rows of 6 numbers in `rows`, of which every row that overlaps with a better row is removed;
   returns how many are there then. */
static int64_t suppress_rows(float *rows, int64_t count, float most_overlap, int64_t most) {
    int64_t selected = 0;
    for (int64_t k = 0; k < count && selected < most; k++) {
        int alive = 1;
        for (int64_t j = 0; j < selected && alive; j++) {
            alive = rows[6 * j + 5] != rows[6 * k + 5] ||
                    !(overlap(rows + 6 * j, rows + 6 * k) > most_overlap);
        }
        if (alive) {
            memmove(rows + 6 * selected, rows + 6 * k, 6 * sizeof *rows);
            selected++;
        }
    }
    return selected;
}

int run_suppress(const struct step *step, struct value *value, aiwf_error *error) {
    const struct array scores = value->arrays[0], boxes = value->arrays[1];
    const int64_t all = array_count(&scores), labels = scores.shape[2];
    struct array rows = {0};
    int64_t found = 0;
    struct candidate *candidates = allocated((size_t)all, sizeof *candidates, error);
    if (candidates == NULL) {
        return AIWF_NO_MEMORY;
    }
    for (int64_t place = 0; place < all; place++) {
        if (scores.data[place] >= (float)step->real[1] &&
            is_finite(boxes.data + 4 * (place / labels))) {
            candidates[found].score = scores.data[place];
            candidates[found++].place = place;
        }
    }
    qsort(candidates, (size_t)found, sizeof *candidates, better);
    found = found < BEST ? found : BEST;
    const int code = array_resize(&rows, 2, found, 6, 1, 1, error);
    for (int64_t k = 0; code == AIWF_OK && k < found; k++) {
        memcpy(rows.data + 6 * k, boxes.data + 4 * (candidates[k].place / labels),
               4 * sizeof(float));
        rows.data[6 * k + 4] = candidates[k].score;
        rows.data[6 * k + 5] = (float)(candidates[k].place % labels);
    }
    free(candidates);
    if (code == AIWF_OK) {
        rows.shape[0] = suppress_rows(rows.data, found, (float)step->real[0], step->whole[0]);
        free(scores.data);
        value->arrays[0] = rows;
        value->scored = labels;
    }
    return code;
}

int run_to_pixels(const struct step *step, struct value *value, aiwf_error *error) {
    struct array *rows = &value->arrays[0];
    const float sides[2] = {(float)value->picture_width, (float)value->picture_height};
    int64_t inside = 0;
    (void)step;
    (void)error;
    for (int64_t k = 0; k < rows->shape[0]; k++) {
        float *row = rows->data + 6 * k;
        for (int edge = 0; edge < 4; edge++) {
            row[edge] = fmaxf(0, fminf(sides[edge % 2], row[edge] * sides[edge % 2]));
        }
        if (row[0] < row[2] && row[1] < row[3]) {
            memmove(rows->data + 6 * inside++, row, 6 * sizeof *row);
        }
    }
    rows->shape[0] = inside;
    return AIWF_OK;
}
