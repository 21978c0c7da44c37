/* Results, their accessors, and those of a predictor. */
#include "after.h"
#include "predictor.h"
#include "processor.h"

#include <stdlib.h>
#include <string.h>

#define TEXT_OF(number) #number
#define VERSION(major, minor) TEXT_OF(major) "." TEXT_OF(minor)

double rounded_score(double score) {
    return rounded_to(score, 1e6);
}

static int is_sure(const struct package *package, double score, int label) {
    return label != package->other && score >= package->sure_from;
}

/* Falling score; equal scores by label. */
static int better(const void *a, const void *b) {
    const aiwf_entry *x = a, *y = b;
    if (x->score != y->score) {
        return x->score < y->score ? 1 : -1;
    }
    return x->index - y->index;
}

static void fill_labels(const struct package *package, const struct value *value,
                        aiwf_result *result) {
    for (int k = 0; k < package->label_count; k++) {
        aiwf_entry *entry = &result->entries[result->count++];
        entry->label = package->labels[k];
        entry->index = k;
        entry->score = rounded_score(value->arrays[0].data[k]);
        entry->sure = package->measured ? 0 : -1; /* only the likeliest label can be sure */
    }
    qsort(result->entries, (size_t)result->count, sizeof *result->entries, better);
    if (package->measured) {
        result->entries[0].sure =
            is_sure(package, result->entries[0].score, result->entries[0].index);
    }
}

static double rounded_edge(float edge) {
    return rounded_to(edge, 100);
}

static void fill_boxes(const struct package *package, const struct value *value, double threshold,
                       aiwf_result *result) {
    for (int64_t k = 0; k < value->arrays[0].shape[0]; k++) {
        const float *row = value->arrays[0].data + 6 * k;
        const double score = rounded_score(row[4]);
        if (score < threshold) {
            continue;
        }
        aiwf_entry *entry = &result->entries[result->count++];
        entry->index = (int)row[5];
        entry->label = package->labels[entry->index];
        entry->score = score;
        entry->sure = package->measured ? is_sure(package, score, entry->index) : -1;
        entry->has_box = 1;
        entry->left = rounded_edge(row[0]);
        entry->top = rounded_edge(row[1]);
        entry->right = rounded_edge(row[2]);
        entry->bottom = rounded_edge(row[3]);
    }
}

static int fill_windows(const struct package *package, const struct value *value,
                        aiwf_result *result, aiwf_error *error) {
    const struct array *logits = &value->window_logits;
    if (logits->data == NULL || value->spans == NULL || logits->shape[0] != value->span_count ||
        logits->shape[1] != package->label_count) {
        return AIWF_OK;
    }
    result->windows = allocated((size_t)value->span_count, sizeof *result->windows, error);
    float *scores = allocated((size_t)package->label_count, sizeof *scores, error);
    if (result->windows == NULL || scores == NULL) {
        free(scores);
        return AIWF_NO_MEMORY;
    }
    for (int k = 0; k < value->span_count; k++) {
        aiwf_window *window = &result->windows[result->window_count++];
        int best = 0;
        memcpy(scores, logits->data + (int64_t)k * package->label_count,
               (size_t)package->label_count * sizeof *scores);
        softmax(scores, package->label_count);
        for (int label = 1; label < package->label_count; label++) {
            best = scores[label] > scores[best] ? label : best;
        }
        window->start = rounded_to(value->spans[k].start, 100);
        window->end = rounded_to(value->spans[k].end, 100);
        window->label = package->labels[best];
        window->score = rounded_score(scores[best]);
    }
    free(scores);
    return AIWF_OK;
}

int make_result(const struct package *package, const struct value *value, double threshold,
                aiwf_result **result, aiwf_error *error) {
    const int64_t most =
        package->answers == ANSWERS_BOXES ? value->arrays[0].shape[0] : package->label_count;
    aiwf_result *made = allocated(1, sizeof *made, error);
    if (made == NULL) {
        return AIWF_NO_MEMORY;
    }
    made->entries = allocated((size_t)most, sizeof *made->entries, error);
    int code = made->entries == NULL ? AIWF_NO_MEMORY : AIWF_OK;
    if (code == AIWF_OK && package->answers == ANSWERS_BOXES) {
        fill_boxes(package, value, threshold, made);
    } else if (code == AIWF_OK) {
        fill_labels(package, value, made);
        code = fill_windows(package, value, made, error);
    }
    if (code != AIWF_OK) {
        aiwf_free_result(made);
        return code;
    }
    *result = made;
    return AIWF_OK;
}

void aiwf_free_result(aiwf_result *result) {
    if (result != NULL) {
        free(result->entries);
        free(result->windows);
        free(result);
    }
}

int aiwf_result_count(const aiwf_result *result) {
    return result == NULL ? 0 : result->count;
}

int aiwf_result_entry(const aiwf_result *result, int place, aiwf_entry *entry) {
    if (entry == NULL || place < 0 || place >= aiwf_result_count(result)) {
        return AIWF_BAD_ARGUMENT;
    }
    *entry = result->entries[place];
    return AIWF_OK;
}

int aiwf_result_window_count(const aiwf_result *result) {
    return result == NULL ? 0 : result->window_count;
}

int aiwf_result_window(const aiwf_result *result, int place, aiwf_window *window) {
    if (window == NULL || place < 0 || place >= aiwf_result_window_count(result)) {
        return AIWF_BAD_ARGUMENT;
    }
    *window = result->windows[place];
    return AIWF_OK;
}

const char *aiwf_version(void) {
    return VERSION(AIWF_VERSION_MAJOR, AIWF_VERSION_MINOR);
}

uint32_t aiwf_engine_abi(void) {
    return AIWF_ENGINE_ABI;
}

const char *aiwf_processor(void) {
    return processor_kind();
}

aiwf_options aiwf_default_options(void) {
    const aiwf_options options = {NULL, NULL, 1, 0};
    return options;
}

const char *aiwf_name(const aiwf_predictor *predictor) {
    return predictor->package.name;
}

const char *aiwf_task(const aiwf_predictor *predictor) {
    return predictor->package.task;
}

int aiwf_answers_boxes(const aiwf_predictor *predictor) {
    return predictor->package.answers == ANSWERS_BOXES;
}

int aiwf_takes_sounds(const aiwf_predictor *predictor) {
    return predictor->package.sounds;
}

int aiwf_label_count(const aiwf_predictor *predictor) {
    return predictor->package.label_count;
}

const char *aiwf_label(const aiwf_predictor *predictor, int index) {
    return index < 0 || index >= predictor->package.label_count ? NULL
                                                                : predictor->package.labels[index];
}

double aiwf_threshold(const aiwf_predictor *predictor) {
    return predictor->package.threshold;
}
