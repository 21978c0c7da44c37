/* The interface of an engine plug-in: six functions in a table.

   A plug-in for the engine `name` (of a-z, 0-9 and _) is libaiwf_engine_NAME.so, with one function
   aiwf_engine_NAME() that returns its table. The table has to be of the ABI number AIWF_ENGINE_ABI,
   which changes whenever this header does. */
#ifndef AIWF_ENGINE_H
#define AIWF_ENGINE_H

#include "aiwf.h"

#ifdef __cplusplus
extern "C" {
#endif

#define AIWF_ENGINE_ABI 1u
#define AIWF_MOST_SIDES 8

/* A dense float32 tensor. */
typedef struct aiwf_tensor {
    const float *data;
    int64_t shape[AIWF_MOST_SIDES];
    int rank;
} aiwf_tensor;

typedef struct aiwf_engine_settings {
    const char *library;   /* the engine's own shared library; NULL: wherever it is found */
    const char *folder;    /* of the plug-ins; NULL for engines that are linked in */
    const char *numeric;   /* the network's number format: float32, float16, int8 */
    const char *processor; /* as aiwf_processor() */
    int threads;
} aiwf_engine_settings;

/* A file of the network, in memory. */
typedef struct aiwf_network_file {
    const char *name;
    const void *data; /* aligned as by malloc, and followed by a zero byte */
    size_t size;
} aiwf_network_file;

typedef struct aiwf_network {
    const char *model; /* the name of its main file */
    const aiwf_network_file *files;
    int count;
} aiwf_network;

/* Each function returns AIWF_OK or another code, with a message in `error`, which is never NULL.
   Calls for one engine never overlap. */
typedef struct aiwf_engine {
    uint32_t abi;
    const char *name;
    const char *format; /* of the networks that it loads, as package.json says it */
    int needs_files;    /* not 0: the network's files have to stay in memory until destroy */
    int (*init)(const aiwf_engine_settings *settings, void **engine, aiwf_error *error);
    /* Load the network, which has one input and `*outputs` outputs. */
    int (*prepare)(void *engine, const aiwf_network *network, int *outputs, aiwf_error *error);
    /* `tensor`: [windows, ...]; its data stays valid until the next call of forward ends. */
    int (*set_tensor)(void *engine, const aiwf_tensor *tensor, aiwf_error *error);
    int (*forward)(void *engine, aiwf_error *error);
    /* The output number `place`, valid until the next call of forward. */
    int (*get_tensor)(void *engine, int place, aiwf_tensor *tensor, aiwf_error *error);
    void (*destroy)(void *engine);
} aiwf_engine;

typedef const aiwf_engine *(*aiwf_engine_function)(void);

#ifdef __cplusplus
}
#endif
#endif
