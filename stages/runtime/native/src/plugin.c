#define _GNU_SOURCE /* dladdr, readlink */
#include "plugin.h"
#include "fault.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define MOST_NAME 40
#define ENDING "so"

#ifdef AIWF_WITH_COMPILED
const aiwf_engine *aiwf_engine_compiled(void);
#endif
#ifdef AIWF_WITH_NCNN
const aiwf_engine *aiwf_engine_ncnn(void);
#endif
#ifdef AIWF_WITH_ONNXRUNTIME
const aiwf_engine *aiwf_engine_onnxruntime(void);
#endif

/* The engines that were linked in, by name. */
static const aiwf_engine *linked(const char *name) {
#ifdef AIWF_WITH_COMPILED
    if (strcmp(name, "compiled") == 0) {
        return aiwf_engine_compiled();
    }
#endif
#ifdef AIWF_WITH_NCNN
    if (strcmp(name, "ncnn") == 0) {
        return aiwf_engine_ncnn();
    }
#endif
#ifdef AIWF_WITH_ONNXRUNTIME
    if (strcmp(name, "onnxruntime") == 0) {
        return aiwf_engine_onnxruntime();
    }
#endif
    (void)name;
    return NULL;
}

/* Names cannot lead out of the folder. */
static int is_name(const char *name) {
    const size_t length = strlen(name);
    return length > 0 && length < MOST_NAME &&
           strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_") == length;
}

/* The folder in which this library, or the program that holds it, lies; "" if the system does not
   say. Never the current folder: there others may have put a library. */
static int own_folder(char folder[MOST_FOLDER], aiwf_error *error) {
    Dl_info info;
    char program[MOST_FOLDER];
    const char *path = "", *end;
    if (dladdr((void *)(uintptr_t)own_folder, &info) != 0 && info.dli_fname != NULL) {
        path = info.dli_fname;
    }
    if (strchr(path, '/') == NULL) { /* of a program in PATH only the name */
        const ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);
        program[length < 0 ? 0 : length] = 0;
        path = program;
    }
    end = strrchr(path, '/');
    const size_t length = end == NULL ? 0 : (size_t)(end - path);
    if (length >= MOST_FOLDER) {
        return fail(error, AIWF_BAD_ARGUMENT, "The folder of this library has too long a path.");
    }
    memcpy(folder, path, length);
    folder[length] = 0;
    return AIWF_OK;
}

static int check_engine(const aiwf_engine *engine, const char *name, aiwf_error *error) {
    if (engine == NULL || engine->abi != AIWF_ENGINE_ABI) {
        return fail(
            error, AIWF_ENGINE_MISSING,
            "The plug-in for %s is of ABI %u, and this library needs %u. Build it again with "
            "this library's header.",
            name, engine == NULL ? 0 : (unsigned)engine->abi, AIWF_ENGINE_ABI);
    }
    return AIWF_OK;
}

static int open_library(const char *name, struct plugin *plugin, aiwf_error *error) {
    char path[MOST_FOLDER + 100], symbol[MOST_NAME + 20];
    if (*plugin->folder == 0) {
        return fail(error, AIWF_ENGINE_MISSING,
                    "The folder of the plug-in for %s is not known. Name it in the options.", name);
    }
    snprintf(path, sizeof path, "%s/libaiwf_engine_%s." ENDING, plugin->folder, name);
    snprintf(symbol, sizeof symbol, "aiwf_engine_%s", name);
    plugin->library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (plugin->library == NULL) {
        const char *why = dlerror();
        return fail(error, AIWF_ENGINE_MISSING,
                    "There is no plug-in for the engine %s: %.300s. Build it, or name its folder.",
                    name, why == NULL ? "" : why);
    }
    aiwf_engine_function function;
    void *found = dlsym(plugin->library, symbol);
    if (found == NULL) {
        return fail(error, AIWF_ENGINE_MISSING, "%.300s is no plug-in: it has no function %s.",
                    path, symbol);
    }
    memcpy(&function, &found, sizeof function); /* C has no conversion of data to functions */
    plugin->engine = function();
    return check_engine(plugin->engine, name, error);
}

int plugin_open(const char *name, const char *folder, struct plugin *plugin, aiwf_error *error) {
    memset(plugin, 0, sizeof *plugin);
    if (!is_name(name)) {
        return fail(error, AIWF_DAMAGED, "No engine can be called '%.60s'. " AGAIN, name);
    }
    plugin->engine = linked(name);
    if (folder == NULL) {
        const int code = own_folder(plugin->folder, error);
        if (code != AIWF_OK) {
            return code;
        }
    } else if (strlen(folder) >= MOST_FOLDER) {
        return fail(error, AIWF_BAD_ARGUMENT, "The folder of plug-ins has too long a path.");
    } else {
        strcpy(plugin->folder, folder);
    }
    if (plugin->engine != NULL) {
        return check_engine(plugin->engine, name, error);
    }
    const int code = open_library(name, plugin, error);
    if (code != AIWF_OK) {
        plugin_close(plugin);
    }
    return code;
}

void plugin_close(struct plugin *plugin) {
    if (plugin->library != NULL) {
        dlclose(plugin->library);
    }
    memset(plugin, 0, sizeof *plugin);
}
