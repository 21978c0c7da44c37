/* The steps reject and softmax, and what other steps use. */
#include "after.h"

#include <math.h>

int check_labels(const struct array *logits, aiwf_error *error) {
    if (logits->rank != 2 || logits->shape[0] < 1 || logits->shape[1] < 1) {
        return fail(error, AIWF_ENGINE_FAILED, "The network's output has %d sides. " NOT_OF_ONE,
                    logits->rank);
    }
    return AIWF_OK;
}

int parse_reject(const json *args, struct step *step, aiwf_error *error) {
    if (json_item(args, "other") == NULL || json_item(args, "threshold") == NULL) {
        return fail(error, AIWF_DAMAGED, "reject has no 'other' or no 'threshold'. " AGAIN);
    }
    const int code = json_whole(args, "other", 0, 99999, &step->whole[0], error);
    return code != AIWF_OK ? code
                           : json_number(args, "threshold", -1e30, 1e30, &step->real[0], error);
}

int run_reject(const struct step *step, struct value *value, aiwf_error *error) {
    struct array *logits = &value->arrays[0];
    const int code = check_labels(logits, error);
    if (code != AIWF_OK) {
        return code;
    }
    if (step->whole[0] >= logits->shape[1]) {
        return fail(error, AIWF_DAMAGED, "reject names label number %d, and there are %d. " AGAIN,
                    step->whole[0], (int)logits->shape[1]);
    }
    for (int64_t row = 0; row < logits->shape[0]; row++) {
        logits->data[row * logits->shape[1] + step->whole[0]] -= (float)step->real[0];
    }
    return AIWF_OK;
}

void softmax(float *values, int64_t count) {
    float largest = values[0], sum = 0;
    for (int64_t k = 1; k < count; k++) {
        largest = fmaxf(largest, values[k]);
    }
    for (int64_t k = 0; k < count; k++) {
        values[k] = expf(values[k] - largest);
        sum += values[k];
    }
    for (int64_t k = 0; k < count; k++) {
        values[k] /= sum;
    }
}

int run_softmax(const struct step *step, struct value *value, aiwf_error *error) {
    struct array *logits = &value->arrays[0];
    const int code = check_labels(logits, error);
    (void)step;
    for (int64_t row = 0; code == AIWF_OK && row < logits->shape[0]; row++) {
        softmax(logits->data + row * logits->shape[1], logits->shape[1]);
    }
    return code;
}

double rounded_to(double value, double scale) {
    const double product = value * scale, rest = fma(value, scale, -product);
    const double whole = floor(product), above = product - whole + rest; /* exact */
    if (above == 0.5) {
        return (fmod(whole, 2) == 0 ? whole : whole + 1) / scale;
    }
    return (above > 0.5 ? whole + 1 : whole) / scale;
}
