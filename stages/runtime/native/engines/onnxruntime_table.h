/* ONNX Runtime's table of functions.

   No header of it is needed: its library exports a function that gives the table, to which new
   versions only append. The numbers below are places in it. */
#ifndef AIWF_ONNXRUNTIME_TABLE_H
#define AIWF_ONNXRUNTIME_TABLE_H

#include "aiwf_engine.h"

/* For the linker, where this engine is inside the library: see src/names.h. */
#define failed aiwf_onnxruntime_failed
#define check aiwf_onnxruntime_check
#define find_api aiwf_onnxruntime_find_api
#define needs_precise aiwf_onnxruntime_needs_precise

#define API 15 /* ONNX Runtime 1.15, the first in which the precise sums were tried */
#define FLOAT_TENSOR 1
#define MOST_OUTPUTS 4

enum slot {
    GET_MESSAGE = 2,
    CREATE_ENVIRONMENT = 3,
    CREATE_SESSION = 8,
    RUN = 9,
    CREATE_OPTIONS = 10,
    SET_THREADS = 24,
    COUNT_INPUTS = 30,
    COUNT_OUTPUTS = 31,
    INPUT_NAME = 36,
    OUTPUT_NAME = 37,
    CREATE_TENSOR = 49,
    TENSOR_DATA = 51,
    ELEMENT_TYPE = 60,
    COUNT_SIDES = 61,
    GET_SIDES = 62,
    GET_SHAPE = 65,
    CREATE_MEMORY = 69,
    FREE = 76,
    GET_ALLOCATOR = 78,
    RELEASE_ENVIRONMENT = 92,
    RELEASE_STATUS = 93,
    RELEASE_MEMORY = 94,
    RELEASE_SESSION = 95,
    RELEASE_VALUE = 96,
    RELEASE_SHAPE = 99,
    RELEASE_OPTIONS = 100,
    SET_ENTRY = 130
};

typedef void (*function)(void);
typedef void *status; /* NULL: it succeeded */

struct base {
    const function *(*get_api)(uint32_t version);
    const char *(*get_version)(void);
};

struct runtime {
    void *library;
    const function *api;
    void *environment, *options, *session, *memory, *allocator, *input;
    char *input_name, *output_names[MOST_OUTPUTS];
    void *outputs[MOST_OUTPUTS];
    size_t count;
};

/* Call place SLOT of the table as a function of this type. */
#define CALL(runtime, SLOT, TYPE) ((TYPE)(runtime)->api[SLOT])

int failed(aiwf_error *error, int code, const char *what, const char *why);
/* AIWF_OK for a status that is NULL; else AIWF_ENGINE_FAILED with its message. */
int check(struct runtime *runtime, status result, const char *what, aiwf_error *error);
/* Load the library and find its table. */
int find_api(struct runtime *runtime, const aiwf_engine_settings *settings, aiwf_error *error);
/* Whether sums of 8-bit products saturate unless the library gets an option against it. */
int needs_precise(const aiwf_engine_settings *settings);

#endif
