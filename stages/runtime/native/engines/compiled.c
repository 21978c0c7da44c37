/* The engine of a network that was written as C: its sources are compiled into the program. */
#include "aiwf_engine.h"
#include "fault.h"
#include "network.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "model.h"

#define NO_MEMORY "The compiled network finds no memory."

/* The network has one static arena, for which the predictors of a process wait. */
static pthread_mutex_t arena = PTHREAD_MUTEX_INITIALIZER;

/* The answers to the windows that were set last. */
struct compiled {
    aiwf_tensor input;
    float *answers; /* [windows, MODEL_OUTPUTS] */
    int64_t room;
};

static int init(const aiwf_engine_settings *settings, void **engine, aiwf_error *error) {
    (void)settings;
    *engine = calloc(1, sizeof(struct compiled));
    return *engine == NULL ? fail(error, AIWF_NO_MEMORY, NO_MEMORY) : AIWF_OK;
}

/* The file of the package's network has to be the digest of the sources that were compiled. */
static int prepare(void *engine, const aiwf_network *network, int *outputs, aiwf_error *error) {
    (void)engine;
    const size_t length = strlen(NETWORK_DIGEST);
    if (network->count != 1 || network->files[0].size != length ||
        memcmp(network->files[0].data, NETWORK_DIGEST, length) != 0) {
        return fail(error, AIWF_DAMAGED,
                    "The compiled network is not that of this package. Build it again.");
    }
    *outputs = 1;
    return AIWF_OK;
}

static int set_tensor(void *engine, const aiwf_tensor *tensor, aiwf_error *error) {
    struct compiled *compiled = engine;
    int64_t count = 1;
    for (int side = 1; side < tensor->rank; side++) {
        count *= tensor->shape[side];
    }
    if (tensor->rank < 2 || tensor->shape[0] < 1 || count != MODEL_INPUTS) {
        return fail(error, AIWF_ENGINE_FAILED,
                    "The compiled network takes windows of another size.");
    }
    if (tensor->shape[0] > compiled->room) {
        free(compiled->answers);
        compiled->room = 0;
        compiled->answers = calloc((size_t)tensor->shape[0], MODEL_OUTPUTS * sizeof(float));
        if (compiled->answers == NULL) {
            return fail(error, AIWF_NO_MEMORY, NO_MEMORY);
        }
        compiled->room = tensor->shape[0];
    }
    compiled->input = *tensor;
    return AIWF_OK;
}

static int forward(void *engine, aiwf_error *error) {
    struct compiled *compiled = engine;
    (void)error;
    pthread_mutex_lock(&arena);
    for (int64_t window = 0; window < compiled->input.shape[0]; window++) {
        memcpy(model_input(), compiled->input.data + window * MODEL_INPUTS,
               MODEL_INPUTS * sizeof(float));
        memcpy(compiled->answers + window * MODEL_OUTPUTS, model_run(),
               MODEL_OUTPUTS * sizeof(float));
    }
    pthread_mutex_unlock(&arena);
    return AIWF_OK;
}

static int get_tensor(void *engine, int place, aiwf_tensor *tensor, aiwf_error *error) {
    struct compiled *compiled = engine;
    if (place != 0) {
        return fail(error, AIWF_BAD_ARGUMENT, "The compiled network has one output.");
    }
    tensor->data = compiled->answers;
    tensor->rank = 2;
    tensor->shape[0] = compiled->input.shape[0];
    tensor->shape[1] = MODEL_OUTPUTS;
    return AIWF_OK;
}

static void destroy(void *engine) {
    struct compiled *compiled = engine;
    if (compiled != NULL) {
        free(compiled->answers);
        free(compiled);
    }
}

const aiwf_engine *aiwf_engine_compiled(void) {
    static const aiwf_engine engine = {.abi = AIWF_ENGINE_ABI,
                                       .name = "compiled",
                                       .format = "c",
                                       .needs_files = 0,
                                       .init = init,
                                       .prepare = prepare,
                                       .set_tensor = set_tensor,
                                       .forward = forward,
                                       .get_tensor = get_tensor,
                                       .destroy = destroy};
    return &engine;
}
