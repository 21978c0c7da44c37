/* A predictor: a loaded network with the steps around it. */
#ifndef AIWF_PREDICTOR_H
#define AIWF_PREDICTOR_H

#include <pthread.h>

#include "package.h"
#include "plugin.h"

struct aiwf_predictor {
    struct package package;
    struct plugin plugin;
    void *engine;
    pthread_mutex_t lock; /* of the engine */
    int has_lock;
};

struct aiwf_result {
    aiwf_entry *entries;
    aiwf_window *windows;
    int count, window_count;
};

/* Run the steps before the network, from number `start` on, and the network on `value`. */
int predictor_forward(aiwf_predictor *predictor, int start, struct value *value, aiwf_error *error);
/* Run the steps after the network on `value`. */
int predictor_finish(const aiwf_predictor *predictor, struct value *value, aiwf_error *error);
/* The result of a finished `value`: its entries with a score of at least `threshold`. */
int make_result(const struct package *package, const struct value *value, double threshold,
                aiwf_result **result, aiwf_error *error);
/* `score` rounded to 6 digits. */
double rounded_score(double score);

#endif
