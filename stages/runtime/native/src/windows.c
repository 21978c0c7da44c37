/* The steps windows and mean_of_windows: see runtime/windows.py. */
#include "after.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define REST 0.1 /* of a step: a shorter rest at the end gets no window of its own */

int parse_windows(const json *args, struct step *step, aiwf_error *error) {
    step->real[0] = 0.5;
    step->real[1] = 0.01;
    int code = json_whole(args, "frames", 1, 100000, &step->whole[0], error);
    if (code == AIWF_OK && step->whole[0] < 1) {
        code = fail(error, AIWF_DAMAGED, "windows has no 'frames'. " AGAIN);
    }
    if (code == AIWF_OK) {
        code = json_number(args, "overlap", 0, 0.99, &step->real[0], error);
    }
    if (code == AIWF_OK) {
        code = json_number(args, "hop_seconds", 1e-5, 10, &step->real[1], error);
    }
    if (code == AIWF_OK && json_item(args, "silence") != NULL) {
        return step_numbers(args, "silence", 1, 1024, &step->numbers, &step->count, error);
    }
    if (code == AIWF_OK) {
        step->count = 1;
        step->numbers = allocated(1, sizeof(float), error);
        if (step->numbers == NULL) {
            return AIWF_NO_MEMORY;
        }
        step->numbers[0] = -100;
    }
    return code;
}

int run_windows(const struct step *step, struct value *value, aiwf_error *error) {
    const struct array from = value->arrays[0];
    const int64_t frames = step->whole[0], bands = from.shape[0], there = from.shape[1];
    const int64_t total = there < frames ? frames : there;
    const double move = fmax(1, rint((double)frames * (1 - step->real[0])));
    const double further = ceil((double)(total - frames) / move - REST);
    const int64_t count = further < 1 ? 1 : (int64_t)further + 1;
    const double hop = step->real[1];
    struct array to = {0};
    if (count > MOST_WINDOWS) {
        return fail(error, AIWF_BAD_SAMPLE,
                    "The recording is too long: more than %d windows. Make shorter clips of it.",
                    MOST_WINDOWS);
    }
    if (step->count != 1 && step->count != bands) {
        return fail(error, AIWF_DAMAGED, "windows has %d levels of silence for %d bands. " AGAIN,
                    step->count, (int)bands);
    }
    free(value->spans);
    value->spans = allocated((size_t)count, sizeof *value->spans, error);
    int code = value->spans == NULL ? AIWF_NO_MEMORY
                                    : array_resize(&to, 4, count, 1, bands, frames, error);
    for (int64_t window = 0; code == AIWF_OK && window < count; window++) {
        const double share = count > 1 ? (double)(total - frames) / (double)(count - 1) : 0;
        const int64_t start = (int64_t)rint((double)window * share);
        for (int64_t k = 0; k < bands * frames; k++) {
            const int64_t band = k / frames, frame = start + k % frames;
            to.data[window * bands * frames + k] = frame < there
                                                       ? from.data[band * there + frame]
                                                       : step->numbers[step->count == 1 ? 0 : band];
        }
        value->spans[window].start = rounded_to((double)start * hop, 1000);
        value->spans[window].end =
            rounded_to(fmin((double)(start + frames) * hop, value->seconds), 1000);
    }
    if (code == AIWF_OK) {
        value->span_count = (int)count;
        free(from.data);
        value->arrays[0] = to;
    }
    return code;
}

int run_mean_of_windows(const struct step *step, struct value *value, aiwf_error *error) {
    struct array *logits = &value->arrays[0], mean = {0};
    int code = check_labels(logits, error);
    (void)step;
    if (code != AIWF_OK) {
        return code;
    }
    const int64_t windows = logits->shape[0], labels = logits->shape[1];
    code = array_resize(&mean, 2, 1, labels, 1, 1, error);
    if (code != AIWF_OK) {
        return code;
    }
    for (int64_t label = 0; label < labels; label++) {
        float sum = 0;
        for (int64_t window = 0; window < windows; window++) {
            sum += logits->data[window * labels + label];
        }
        mean.data[label] = sum / (float)windows;
    }
    free(value->window_logits.data);
    value->window_logits = *logits;
    *logits = mean;
    return AIWF_OK;
}
