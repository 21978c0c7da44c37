#define _POSIX_C_SOURCE 200809L
#include "onnxruntime_table.h"

#include <dlfcn.h>
#include <glob.h>
#include <stdio.h>
#include <string.h>

#define MOST_PATH 4200

int failed(aiwf_error *error, int code, const char *what, const char *why) {
    error->code = code;
    snprintf(error->message, sizeof error->message, "ONNX Runtime %s: %.350s", what, why);
    return code;
}

int check(struct runtime *runtime, status result, const char *what, aiwf_error *error) {
    if (result == NULL) {
        return AIWF_OK;
    }
    const int code = failed(error, AIWF_ENGINE_FAILED, what,
                            CALL(runtime, GET_MESSAGE, const char *(*)(status))(result));
    CALL(runtime, RELEASE_STATUS, void (*)(status))(result);
    return code;
}

static void *open_library(const aiwf_engine_settings *settings) {
    char pattern[MOST_PATH];
    glob_t found;
    void *library = NULL;
    if (settings->library != NULL) {
        return dlopen(settings->library, RTLD_NOW | RTLD_LOCAL);
    }
    const char *folder = settings->folder == NULL ? "" : settings->folder;
    snprintf(pattern, sizeof pattern, "%s/libonnxruntime.so*", folder);
    if (*folder && glob(pattern, 0, NULL, &found) == 0) {
        library = dlopen(found.gl_pathv[found.gl_pathc - 1], RTLD_NOW | RTLD_LOCAL);
        globfree(&found);
    }
    return library != NULL ? library : dlopen("libonnxruntime.so.1", RTLD_NOW | RTLD_LOCAL);
}

int find_api(struct runtime *runtime, const aiwf_engine_settings *settings, aiwf_error *error) {
    const struct base *(*get_base)(void);
    runtime->library = open_library(settings);
    if (runtime->library == NULL) {
        const char *why = dlerror();
        return failed(error, AIWF_ENGINE_MISSING,
                      "is not found (name its libonnxruntime.so, or put it beside the plug-in)",
                      why == NULL ? "" : why);
    }
    void *symbol = dlsym(runtime->library, "OrtGetApiBase");
    memcpy(&get_base, &symbol, sizeof get_base);
    runtime->api = symbol == NULL ? NULL : get_base()->get_api(API);
    if (runtime->api == NULL) {
        return failed(error, AIWF_ENGINE_MISSING, "is too old or none", "version 1.15 is needed");
    }
    return AIWF_OK;
}

/* Without VNNI, products of 8 bits are added in pairs that saturate, unless this is set. */
int needs_precise(const aiwf_engine_settings *settings) {
    return strcmp(settings->numeric, "float32") != 0 && strcmp(settings->numeric, "float16") != 0 &&
           strcmp(settings->processor, "x86-64-vnni") != 0 &&
           strncmp(settings->processor, "arm64", 5) != 0;
}
