#include "golden.h"

#include <math.h>
#include <stdlib.h>

double deviation(double expected, double found) {
    return fabs(found - expected) / fmax(fabs(expected), 1);
}

int compare_labels(aiwf_predictor *predictor, const file_bytes *sample, const json *expected,
                   double *furthest, int *agrees, aiwf_error *error) {
    const int labels = predictor->package.label_count;
    struct value value = {.kind = KIND_BYTES, .data = sample->data, .size = sample->size};
    int wanted = 0, found = 0, place = 0;
    double best_wanted = -1, best_found = -1;
    int code = predictor_forward(predictor, 0, &value, error);
    if (code == AIWF_OK) {
        code = predictor_finish(predictor, &value, error);
    }
    if (code == AIWF_OK &&
        (expected == NULL || expected->type != JSON_LIST || expected->count != labels)) {
        code = fail(error, AIWF_DAMAGED, "A golden answer has not a score for each label. " AGAIN);
    }
    const json *item = code == AIWF_OK ? expected->first : NULL;
    for (; item != NULL; item = item->next, place++) {
        const double score = rounded_score(value.arrays[0].data[place]);
        const double golden = json_real(item, INFINITY);
        *furthest = fmax(*furthest, deviation(golden, score));
        wanted = golden > best_wanted ? place : wanted;
        best_wanted = fmax(best_wanted, golden);
        found = score > best_found ? place : found;
        best_found = fmax(best_found, score);
    }
    *agrees = wanted == found;
    value_free(&value);
    return code;
}
