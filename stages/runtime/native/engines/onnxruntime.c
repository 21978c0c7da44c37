/* The engine plug-in for ONNX Runtime, from the shared library in its wheel. */
#include "aiwf_engine.h"

#include <stdlib.h>
#include <string.h>

#include "onnxruntime_table.h"

#define DEVICE_ALLOCATOR 0
#define DEFAULT_MEMORY 0
#define WARNINGS_OFF 3

static void destroy(void *engine);

static int set_options(struct runtime *runtime, const aiwf_engine_settings *settings,
                       aiwf_error *error) {
    typedef status (*set_entry)(void *, const char *, const char *);
    int code = check(runtime, CALL(runtime, CREATE_OPTIONS, status (*)(void **))(&runtime->options),
                     "has no options", error);
    if (code == AIWF_OK) {
        code = check(runtime,
                     CALL(runtime, SET_THREADS, status (*)(void *, int))(runtime->options,
                                                                         settings->threads),
                     "cannot set threads", error);
    }
    if (code == AIWF_OK) {
        code = check(runtime,
                     CALL(runtime, SET_ENTRY, set_entry)(runtime->options,
                                                         "session.intra_op.allow_spinning", "0"),
                     "cannot set an entry", error);
    }
    if (code == AIWF_OK && needs_precise(settings)) {
        code = check(
            runtime,
            CALL(runtime, SET_ENTRY, set_entry)(runtime->options, "session.x64quantprecision", "1"),
            "cannot set precise sums", error);
    }
    return code;
}

static int init(const aiwf_engine_settings *settings, void **engine, aiwf_error *error) {
    struct runtime *runtime = calloc(1, sizeof *runtime);
    *engine = runtime;
    if (runtime == NULL) {
        return failed(error, AIWF_NO_MEMORY, "cannot start", "there is no memory");
    }
    int code = find_api(runtime, settings, error);
    if (code == AIWF_OK) {
        code = check(runtime,
                     CALL(runtime, CREATE_ENVIRONMENT, status (*)(int, const char *, void **))(
                         WARNINGS_OFF, "aiwf", &runtime->environment),
                     "cannot start", error);
    }
    if (code == AIWF_OK) {
        code = set_options(runtime, settings, error);
    }
    if (code == AIWF_OK) {
        code = check(runtime,
                     CALL(runtime, CREATE_MEMORY, status (*)(int, int, void **))(
                         DEVICE_ALLOCATOR, DEFAULT_MEMORY, &runtime->memory),
                     "has no memory", error);
    }
    if (code == AIWF_OK) {
        code =
            check(runtime, CALL(runtime, GET_ALLOCATOR, status (*)(void **))(&runtime->allocator),
                  "has no allocator", error);
    }
    if (code != AIWF_OK) {
        destroy(runtime);
        *engine = NULL;
    }
    return code;
}

static int read_names(struct runtime *runtime, aiwf_error *error) {
    typedef status (*count_of)(void *, size_t *);
    typedef status (*name_of)(void *, size_t, void *, char **);
    size_t inputs = 0;
    int code = check(runtime, CALL(runtime, COUNT_INPUTS, count_of)(runtime->session, &inputs),
                     "has no inputs", error);
    if (code == AIWF_OK) {
        code = check(runtime,
                     CALL(runtime, COUNT_OUTPUTS, count_of)(runtime->session, &runtime->count),
                     "has no outputs", error);
    }
    if (code == AIWF_OK && (inputs != 1 || runtime->count < 1 || runtime->count > MOST_OUTPUTS)) {
        runtime->count = 0;
        return failed(error, AIWF_ENGINE_FAILED, "has loaded another network than a package's",
                      "it has several inputs, or too many outputs");
    }
    if (code == AIWF_OK) {
        code = check(runtime,
                     CALL(runtime, INPUT_NAME, name_of)(runtime->session, 0, runtime->allocator,
                                                        &runtime->input_name),
                     "has no input", error);
    }
    for (size_t k = 0; k < runtime->count && code == AIWF_OK; k++) {
        code = check(runtime,
                     CALL(runtime, OUTPUT_NAME, name_of)(runtime->session, k, runtime->allocator,
                                                         &runtime->output_names[k]),
                     "has no output", error);
    }
    return code;
}

static int prepare(void *engine, const aiwf_network *network, int *outputs, aiwf_error *error) {
    typedef status (*create)(void *, const void *, size_t, void *, void **);
    struct runtime *runtime = engine;
    const aiwf_network_file *file = network->files;
    while (strcmp(file->name, network->model) != 0) {
        file++;
    }
    int code =
        check(runtime,
              CALL(runtime, CREATE_SESSION, create)(runtime->environment, file->data, file->size,
                                                    runtime->options, &runtime->session),
              "cannot load the network", error);
    if (code == AIWF_OK) {
        code = read_names(runtime, error);
    }
    *outputs = (int)runtime->count;
    return code;
}

static void release_outputs(struct runtime *runtime) {
    for (size_t k = 0; k < runtime->count; k++) {
        if (runtime->outputs[k] != NULL) {
            CALL(runtime, RELEASE_VALUE, void (*)(void *))(runtime->outputs[k]);
            runtime->outputs[k] = NULL;
        }
    }
}

static int set_tensor(void *engine, const aiwf_tensor *tensor, aiwf_error *error) {
    typedef status (*create)(void *, void *, size_t, const int64_t *, size_t, int, void **);
    struct runtime *runtime = engine;
    size_t count = 1;
    for (int k = 0; k < tensor->rank; k++) {
        count *= (size_t)tensor->shape[k];
    }
    if (runtime->input != NULL) {
        CALL(runtime, RELEASE_VALUE, void (*)(void *))(runtime->input);
        runtime->input = NULL;
    }
    return check(runtime,
                 CALL(runtime, CREATE_TENSOR, create)(
                     runtime->memory, (void *)(uintptr_t)tensor->data, count * sizeof(float),
                     tensor->shape, (size_t)tensor->rank, FLOAT_TENSOR, &runtime->input),
                 "cannot take the input", error);
}

static int forward(void *engine, aiwf_error *error) {
    typedef status (*run)(void *, const void *, const char *const *, void *const *, size_t,
                          const char *const *, size_t, void **);
    struct runtime *runtime = engine;
    const char *input_name = runtime->input_name;
    release_outputs(runtime);
    return check(runtime,
                 CALL(runtime, RUN, run)(runtime->session, NULL, &input_name, &runtime->input, 1,
                                         (const char *const *)runtime->output_names, runtime->count,
                                         runtime->outputs),
                 "cannot run the network", error);
}

static int read_shape(struct runtime *runtime, void *shape, aiwf_tensor *tensor,
                      aiwf_error *error) {
    size_t rank = 0;
    int type = 0;
    int code =
        check(runtime, CALL(runtime, COUNT_SIDES, status (*)(void *, size_t *))(shape, &rank),
              "has no sides", error);
    if (code == AIWF_OK) {
        code = check(runtime, CALL(runtime, ELEMENT_TYPE, status (*)(void *, int *))(shape, &type),
                     "has no type", error);
    }
    if (code == AIWF_OK && (rank > AIWF_MOST_SIDES || type != FLOAT_TENSOR)) {
        return failed(error, AIWF_ENGINE_FAILED, "gives no output of float32", "export it again");
    }
    tensor->rank = (int)rank;
    return code != AIWF_OK ? code
                           : check(runtime,
                                   CALL(runtime, GET_SIDES, status (*)(void *, int64_t *, size_t))(
                                       shape, tensor->shape, rank),
                                   "has no sides", error);
}

static int get_tensor(void *engine, int place, aiwf_tensor *tensor, aiwf_error *error) {
    struct runtime *runtime = engine;
    void *shape = NULL, *data = NULL;
    if (place < 0 || (size_t)place >= runtime->count || runtime->outputs[place] == NULL) {
        return failed(error, AIWF_BAD_ARGUMENT, "has no such output", "call forward first");
    }
    int code = check(
        runtime,
        CALL(runtime, GET_SHAPE, status (*)(void *, void **))(runtime->outputs[place], &shape),
        "has no shape", error);
    if (code == AIWF_OK) {
        code = read_shape(runtime, shape, tensor, error);
        CALL(runtime, RELEASE_SHAPE, void (*)(void *))(shape);
    }
    if (code == AIWF_OK) {
        code = check(
            runtime,
            CALL(runtime, TENSOR_DATA, status (*)(void *, void **))(runtime->outputs[place], &data),
            "has no data", error);
    }
    tensor->data = data;
    return code;
}

static void release(struct runtime *runtime, enum slot slot, void *value) {
    if (value != NULL) {
        CALL(runtime, slot, void (*)(void *))(value);
    }
}

static void free_name(struct runtime *runtime, char *name) {
    if (name != NULL) {
        const status ignored =
            CALL(runtime, FREE, status (*)(void *, void *))(runtime->allocator, name);
        release(runtime, RELEASE_STATUS, ignored);
    }
}

static void destroy(void *engine) {
    struct runtime *runtime = engine;
    if (runtime->api != NULL) {
        release_outputs(runtime);
        free_name(runtime, runtime->input_name);
        for (size_t k = 0; k < MOST_OUTPUTS; k++) {
            free_name(runtime, runtime->output_names[k]);
        }
        release(runtime, RELEASE_VALUE, runtime->input);
        release(runtime, RELEASE_SESSION, runtime->session);
        release(runtime, RELEASE_OPTIONS, runtime->options);
        release(runtime, RELEASE_MEMORY, runtime->memory);
        release(runtime, RELEASE_ENVIRONMENT, runtime->environment);
    }
    free(runtime); /* the library stays loaded: its threads and allocators may outlive the engine */
}

const aiwf_engine *aiwf_engine_onnxruntime(void);

AIWF_API const aiwf_engine *aiwf_engine_onnxruntime(void) {
    static const aiwf_engine engine = {.abi = AIWF_ENGINE_ABI,
                                       .name = "onnxruntime",
                                       .format = "onnx",
                                       .needs_files = 0,
                                       .init = init,
                                       .prepare = prepare,
                                       .set_tensor = set_tensor,
                                       .forward = forward,
                                       .get_tensor = get_tensor,
                                       .destroy = destroy};
    return &engine;
}
