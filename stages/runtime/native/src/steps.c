#include "steps.h"

#include <stdlib.h>
#include <string.h>

static const struct step_kind kinds[] = {
    {"decode_picture", KIND_BYTES, KIND_BYTES, KIND_PICTURE, parse_decode_picture,
     run_decode_picture},
    {"resize", KIND_PICTURE, KIND_PICTURE, KIND_PICTURE, parse_resize, run_resize},
    {"normalise", KIND_PICTURE, KIND_PICTURE, KIND_NUMBERS, parse_normalise, run_normalise},
    {"to_channels_first", KIND_NUMBERS, KIND_PICTURE, KIND_WINDOWS, parse_none,
     run_to_channels_first},
    {"mirrored", KIND_WINDOWS, KIND_WINDOWS, KIND_WINDOWS, parse_none, run_mirrored},
    {"decode_sound", KIND_BYTES, KIND_BYTES, KIND_WAVEFORM, parse_decode_sound, run_decode_sound},
    {"log_mel", KIND_WAVEFORM, KIND_WAVEFORM, KIND_SPECTROGRAM, parse_log_mel, run_log_mel},
    {"mfcc", KIND_WAVEFORM, KIND_WAVEFORM, KIND_SPECTROGRAM, parse_mfcc, run_mfcc},
    {"windows", KIND_SPECTROGRAM, KIND_SPECTROGRAM, KIND_WINDOWS, parse_windows, run_windows},
    {"as_picture", KIND_WINDOWS, KIND_WINDOWS, KIND_WINDOWS, parse_as_picture, run_as_picture},
    {"mean_of_windows", KIND_OUTPUTS, KIND_LOGITS, KIND_LOGITS, parse_none, run_mean_of_windows},
    {"reject", KIND_OUTPUTS, KIND_LOGITS, KIND_LOGITS, parse_reject, run_reject},
    {"softmax", KIND_OUTPUTS, KIND_LOGITS, KIND_SCORES, parse_none, run_softmax},
    {"decode_boxes", KIND_OUTPUTS, KIND_OUTPUTS, KIND_CANDIDATES, parse_decode_boxes,
     run_decode_boxes},
    {"decode_priors", KIND_OUTPUTS, KIND_OUTPUTS, KIND_CANDIDATES, parse_decode_priors,
     run_decode_priors},
    {"decode_corners", KIND_OUTPUTS, KIND_OUTPUTS, KIND_CANDIDATES, parse_decode_corners,
     run_decode_corners},
    {"suppress", KIND_CANDIDATES, KIND_CANDIDATES, KIND_SHARES, parse_suppress, run_suppress},
    {"to_pixels", KIND_SHARES, KIND_SHARES, KIND_BOXES, parse_none, run_to_pixels},
};

static const struct step_kind *kind_of(const char *name) {
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        if (strcmp(kinds[k].name, name) == 0) {
            return &kinds[k];
        }
    }
    return NULL;
}

static int parse_step(const json *item, const char *where, enum kind *kind, struct step *step,
                      aiwf_error *error) {
    static const json nothing = {.type = JSON_TABLE};
    const char *name = json_text(json_item(item, "step"), "");
    const json *args = json_item(item, "args");
    step->kind = kind_of(name);
    if (step->kind == NULL) {
        return fail(error, AIWF_UNSUPPORTED,
                    "The package has the step '%.100s', which this library does not have. Use the "
                    "package's own Python code, or a newer library.",
                    name);
    }
    if (*kind != step->kind->from && *kind != step->kind->also) {
        return fail(error, AIWF_DAMAGED, "Step '%s' in '%s' cannot follow the step before. " AGAIN,
                    name, where);
    }
    if (args != NULL && args->type != JSON_TABLE) {
        return fail(error, AIWF_DAMAGED, "Step '%s' has no table of arguments. " AGAIN, name);
    }
    *kind = step->kind->to;
    return step->kind->parse(args == NULL ? &nothing : args, step, error);
}

int steps_parse(const json *from, const char *where, enum kind first, struct steps *steps,
                enum kind *last, aiwf_error *error) {
    *last = first;
    if (from == NULL || from->type != JSON_LIST || from->count > MOST_STEPS) {
        return fail(error, AIWF_DAMAGED, "'%s' has to be a list of at most %d steps. " AGAIN, where,
                    MOST_STEPS);
    }
    for (const json *item = from->first; item != NULL; item = item->next) {
        struct step *step = &steps->items[steps->count++];
        const int code = parse_step(item, where, last, step, error);
        if (code != AIWF_OK) {
            return code;
        }
    }
    return AIWF_OK;
}

int steps_run(const struct steps *steps, int start, struct value *value, aiwf_error *error) {
    for (int k = start; k < steps->count; k++) {
        const int code = steps->items[k].kind->run(&steps->items[k], value, error);
        if (code != AIWF_OK) {
            return code;
        }
        value->kind = steps->items[k].kind->to;
    }
    return AIWF_OK;
}

void steps_free(struct steps *steps) {
    for (int k = 0; k < steps->count; k++) {
        free(steps->items[k].numbers);
    }
    memset(steps, 0, sizeof *steps);
}

int array_resize(struct array *array, int rank, int64_t a, int64_t b, int64_t c, int64_t d,
                 aiwf_error *error) {
    const int64_t shape[4] = {a, b, c, d};
    size_t count = 1;
    free(array->data);
    array->data = NULL;
    array->rank = rank;
    for (int k = 0; k < rank; k++) {
        array->shape[k] = shape[k];
        if (shape[k] < 0 || (shape[k] > 0 && count > MOST_ALLOCATION / (size_t)shape[k])) {
            return fail(error, AIWF_NO_MEMORY, "An array is too large. Use a smaller sample.");
        }
        count *= (size_t)shape[k];
    }
    array->data = allocated(count, sizeof(float), error);
    return array->data == NULL ? AIWF_NO_MEMORY : AIWF_OK;
}

int64_t array_count(const struct array *array) {
    int64_t count = 1;
    for (int k = 0; k < array->rank; k++) {
        count *= array->shape[k];
    }
    return count;
}

void value_free(struct value *value) {
    free(value->pixels);
    free(value->spans);
    free(value->window_logits.data);
    for (int k = 0; k < MOST_OUTPUTS; k++) {
        free(value->arrays[k].data);
    }
    memset(value, 0, sizeof *value);
}

int step_numbers(const json *args, const char *key, int least, int most, float **numbers,
                 int *count, aiwf_error *error) {
    const json *list = json_item(args, key);
    const json *item = list != NULL && list->type == JSON_LIST ? list->first : list;
    const int length = list == NULL ? 0 : list->type == JSON_LIST ? list->count : 1;
    if (length < least || length > most) {
        return fail(error, AIWF_DAMAGED, "'%s' has to be %d to %d numbers. " AGAIN, key, least,
                    most);
    }
    *count = length;
    *numbers = allocated((size_t)length, sizeof(float), error);
    if (*numbers == NULL) {
        return AIWF_NO_MEMORY;
    }
    for (int k = 0; k < length; k++, item = item->next) {
        if (item->type != JSON_NUMBER || item->number < -1e30 || item->number > 1e30) {
            return fail(error, AIWF_DAMAGED, "'%s' has to be numbers. " AGAIN, key);
        }
        (*numbers)[k] = (float)item->number;
    }
    return AIWF_OK;
}

int step_mean_std(const json *args, int least, int most, struct step *step, aiwf_error *error) {
    float *mean = NULL, *std = NULL;
    int stds = 0;
    int code = step_numbers(args, "mean", least, most, &mean, &step->count, error);
    if (code == AIWF_OK) {
        code = step_numbers(args, "std", least, most, &std, &stds, error);
    }
    if (code == AIWF_OK && step->count != stds) {
        code = fail(error, AIWF_DAMAGED, "%s has %d means and %d stds. " AGAIN, step->kind->name,
                    step->count, stds);
    }
    if (code == AIWF_OK) {
        step->numbers = allocated((size_t)stds, 2 * sizeof(float), error);
        code = step->numbers == NULL ? AIWF_NO_MEMORY : AIWF_OK;
    }
    for (int k = 0; code == AIWF_OK && k < stds; k++) {
        step->numbers[k] = mean[k];
        step->numbers[stds + k] = std[k];
        if (!(std[k] > 0)) {
            code = fail(error, AIWF_DAMAGED, "'std' has to be above 0. " AGAIN);
        }
    }
    free(mean);
    free(std);
    return code;
}

/* `side` as a whole number from 1 to `most`; else 0. */
static int whole_side(float side, int most) {
    return side >= 1 && side <= (float)most && (float)(int)side == side ? (int)side : 0;
}

int step_size(const json *args, const char *key, int most, int *height, int *width,
              aiwf_error *error) {
    float *sides = NULL;
    int count = 0;
    const int code = step_numbers(args, key, 1, 2, &sides, &count, error);
    if (code == AIWF_OK) {
        *height = whole_side(sides[0], most);
        *width = whole_side(sides[count - 1], most);
    }
    free(sides);
    if (code == AIWF_OK && (*height == 0 || *width == 0)) {
        return fail(error, AIWF_DAMAGED, "'%s' has to be whole numbers from 1 to %d. " AGAIN, key,
                    most);
    }
    return code;
}

int parse_none(const json *args, struct step *step, aiwf_error *error) {
    (void)args;
    (void)step;
    (void)error;
    return AIWF_OK;
}
