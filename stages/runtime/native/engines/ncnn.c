/* The engine plug-in for ncnn, linked with its static library, which CMake builds from its source.

   A network is three files, as runtime/backends/ncnn.py says: layers, weights, and a description of
   the ends. Windows run one at a time, in float32 or in 8 bits. */
#define _POSIX_C_SOURCE 200809L /* fmemopen */

#include "aiwf_engine.h"
#include "json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <c_api.h>

#define MOST_ENDS 2
#define MOST_NUMBERS 50000000

struct output {
    const char *blob;
    int64_t shape[AIWF_MOST_SIDES];
    int rank;
    int64_t count;
    float *data;
    size_t room;
};

struct ncnn {
    ncnn_option_t options;
    ncnn_net_t net;
    json_document ends; /* owns the names of the blobs */
    const char *input;
    int64_t window[3];
    struct output outputs[MOST_ENDS];
    int output_count;
    aiwf_tensor tensor; /* as it was set */
};

static void destroy(void *engine) {
    struct ncnn *ncnn = engine;
    if (ncnn->net != NULL) {
        ncnn_net_destroy(ncnn->net);
    }
    if (ncnn->options != NULL) {
        ncnn_option_destroy(ncnn->options);
    }
    for (int k = 0; k < MOST_ENDS; k++) {
        free(ncnn->outputs[k].data);
    }
    json_free(&ncnn->ends);
    free(ncnn);
}

static int init(const aiwf_engine_settings *settings, void **engine, aiwf_error *error) {
    struct ncnn *ncnn = allocated(1, sizeof *ncnn, error);
    *engine = NULL;
    if (ncnn == NULL) {
        return AIWF_NO_MEMORY;
    }
    ncnn->options = ncnn_option_create();
    ncnn->net = ncnn_net_create();
    if (ncnn->options == NULL || ncnn->net == NULL) {
        destroy(ncnn);
        return fail(error, AIWF_NO_MEMORY, "ncnn cannot start: there is no memory.");
    }
    ncnn_option_set_num_threads(ncnn->options, settings->threads);
    ncnn_option_set_use_vulkan_compute(ncnn->options, 0);
    /* numbers would be stored in 16 bits where the processor can, and answers depend on that */
    ncnn_option_set_use_fp16_packed(ncnn->options, 0);
    ncnn_option_set_use_fp16_storage(ncnn->options, 0);
    ncnn_option_set_use_fp16_arithmetic(ncnn->options, 0);
    ncnn_option_set_use_bf16_storage(ncnn->options, 0);
    /* Winograd's sums of a 3 x 3 convolution overflow 16 bits in int8, on AVX2 at least */
    ncnn_option_set_use_winograd_convolution(ncnn->options,
                                             strcmp(settings->numeric, "float32") == 0 ||
                                                 strcmp(settings->numeric, "float16") == 0);
    ncnn_net_set_option(ncnn->net, ncnn->options);
    *engine = ncnn;
    return AIWF_OK;
}

/* The file with the model's name and this ending, or NULL. */
static const aiwf_network_file *part(const aiwf_network *network, const char *ending) {
    const char *dot = strrchr(network->model, '.');
    const size_t stem = dot == NULL ? strlen(network->model) : (size_t)(dot - network->model);
    for (int k = 0; k < network->count; k++) {
        const char *name = network->files[k].name;
        if (strncmp(name, network->model, stem) == 0 && strcmp(name + stem, ending) == 0) {
            return &network->files[k];
        }
    }
    return NULL;
}

/* Read a list of sides; their product, or 0 if it is none. */
static int64_t read_sides(const json *list, int64_t *sides, int most, int *rank) {
    int64_t count = 1;
    *rank = 0;
    if (list == NULL || list->type != JSON_LIST || list->count > most) {
        return 0;
    }
    for (const json *side = list->first; side != NULL; side = side->next) {
        if (side->type != JSON_NUMBER || !(side->number >= 1) || side->number > MOST_NUMBERS) {
            return 0;
        }
        sides[(*rank)++] = (int64_t)side->number;
        count *= (int64_t)side->number;
        if (count > MOST_NUMBERS) {
            return 0;
        }
    }
    return count;
}

static int read_ends(struct ncnn *ncnn, const aiwf_network_file *file, aiwf_error *error) {
    int rank;
    int code = json_parse(file->data, file->size, file->name, &ncnn->ends, error);
    if (code != AIWF_OK) {
        return code;
    }
    const json *outputs = json_item(ncnn->ends.root, "outputs");
    ncnn->input = json_text(json_item(json_item(ncnn->ends.root, "input"), "blob"), NULL);
    const int64_t window = read_sides(json_item(ncnn->ends.root, "window"), ncnn->window, 3, &rank);
    int whole = ncnn->input != NULL && window > 0 && rank == 3 && outputs != NULL &&
                outputs->type == JSON_LIST && outputs->count <= MOST_ENDS;
    for (int k = 0; whole && k < outputs->count; k++) {
        struct output *output = &ncnn->outputs[ncnn->output_count++];
        const json *described = json_at(outputs, k);
        output->blob = json_text(json_item(described, "blob"), NULL);
        output->count = read_sides(json_item(described, "shape"), output->shape,
                                   AIWF_MOST_SIDES - 1, &output->rank);
        whole = output->blob != NULL && output->count > 0;
    }
    return whole
               ? AIWF_OK
               : fail(error, AIWF_DAMAGED, "%.100s names no ends of a network. " AGAIN, file->name);
}

/* Whether ncnn loads `file`. As a stream, since ncnn reads on behind the end of what is in memory. */
static int loaded(ncnn_net_t net, const aiwf_network_file *file,
                  int (*load)(ncnn_net_t net, const ncnn_datareader_t reader)) {
    FILE *stream = file->size > 0 ? fmemopen((void *)file->data, file->size, "rb") : NULL;
    if (stream == NULL) {
        return 0;
    }
    ncnn_datareader_t reader = ncnn_datareader_create_from_stdio(stream);
    const int whole = load(net, reader) == 0;
    ncnn_datareader_destroy(reader);
    fclose(stream);
    return whole;
}

static int prepare(void *engine, const aiwf_network *network, int *outputs, aiwf_error *error) {
    struct ncnn *ncnn = engine;
    const aiwf_network_file *layers = part(network, ".param"), *weights = part(network, ".bin"),
                            *ends = part(network, ".json");
    if (layers == NULL || weights == NULL || ends == NULL) {
        return fail(error, AIWF_DAMAGED, "A part of the network %.100s is missing. " AGAIN,
                    network->model);
    }
    const int code = read_ends(ncnn, ends, error);
    if (code != AIWF_OK) {
        return code;
    }
    if (!loaded(ncnn->net, layers, ncnn_net_load_param_datareader) ||
        !loaded(ncnn->net, weights, ncnn_net_load_model_datareader)) {
        return fail(
            error, AIWF_ENGINE_FAILED,
            "ncnn cannot load %.100s: it is damaged, or has a layer that this ncnn was built "
            "without.",
            network->model);
    }
    *outputs = ncnn->output_count;
    return AIWF_OK;
}

static int set_tensor(void *engine, const aiwf_tensor *tensor, aiwf_error *error) {
    struct ncnn *ncnn = engine;
    if (tensor->rank != 4 || tensor->shape[1] != ncnn->window[0] ||
        tensor->shape[2] != ncnn->window[1] || tensor->shape[3] != ncnn->window[2]) {
        return fail(error, AIWF_ENGINE_FAILED, "The network takes windows of %d x %d x %d numbers.",
                    (int)ncnn->window[0], (int)ncnn->window[1], (int)ncnn->window[2]);
    }
    ncnn->tensor = *tensor;
    for (int k = 0; k < ncnn->output_count; k++) {
        struct output *output = &ncnn->outputs[k];
        const size_t room = (size_t)(tensor->shape[0] * output->count);
        if (room > output->room) {
            free(output->data);
            output->data = allocated(room, sizeof(float), error);
            output->room = output->data == NULL ? 0 : room;
            if (output->data == NULL) {
                return AIWF_NO_MEMORY;
            }
        }
    }
    return AIWF_OK;
}

/* Copy the numbers of a blob, whose channels do not lie close together, to `to`; whether there are
   `count` of them. */
static int copy_blob(const ncnn_mat_t blob, int64_t count, float *to) {
    const int dims = ncnn_mat_get_dims(blob);
    const int64_t inner = (int64_t)ncnn_mat_get_w(blob) * (dims > 1 ? ncnn_mat_get_h(blob) : 1) *
                          (dims > 3 ? ncnn_mat_get_d(blob) : 1);
    const int channels = dims > 2 ? ncnn_mat_get_c(blob) : 1;
    if (inner * channels != count || ncnn_mat_get_elemsize(blob) != sizeof(float)) {
        return 0;
    }
    for (int channel = 0; channel < channels; channel++) {
        const void *from =
            dims > 2 ? ncnn_mat_get_channel_data(blob, channel) : ncnn_mat_get_data(blob);
        memcpy(to + channel * inner, from, (size_t)inner * sizeof(float));
    }
    return 1;
}

static int extract(struct ncnn *ncnn, ncnn_extractor_t extractor, int64_t window,
                   aiwf_error *error) {
    for (int k = 0; k < ncnn->output_count; k++) {
        struct output *output = &ncnn->outputs[k];
        ncnn_mat_t blob = NULL;
        const int failed = ncnn_extractor_extract(extractor, output->blob, &blob);
        const int whole =
            !failed && copy_blob(blob, output->count, output->data + window * output->count);
        if (blob != NULL) {
            ncnn_mat_destroy(blob);
        }
        if (!whole) {
            return fail(error, AIWF_ENGINE_FAILED, "ncnn gives no %.60s of the stated shape.",
                        output->blob);
        }
    }
    return AIWF_OK;
}

static int forward(void *engine, aiwf_error *error) {
    struct ncnn *ncnn = engine;
    const int64_t inner = ncnn->window[1] * ncnn->window[2];
    int code = AIWF_OK;
    for (int64_t window = 0; window < ncnn->tensor.shape[0] && code == AIWF_OK; window++) {
        const float *data = ncnn->tensor.data + window * inner * ncnn->window[0];
        ncnn_mat_t input = ncnn_mat_create_3d((int)ncnn->window[2], (int)ncnn->window[1],
                                              (int)ncnn->window[0], NULL);
        ncnn_extractor_t extractor = ncnn_extractor_create(ncnn->net);
        for (int channel = 0; channel < ncnn->window[0]; channel++) {
            memcpy(ncnn_mat_get_channel_data(input, channel), data + channel * inner,
                   (size_t)inner * sizeof(float));
        }
        code = ncnn_extractor_input(extractor, ncnn->input, input) == 0
                   ? extract(ncnn, extractor, window, error)
                   : fail(error, AIWF_ENGINE_FAILED, "ncnn has no input %.60s.", ncnn->input);
        ncnn_extractor_destroy(extractor);
        ncnn_mat_destroy(input);
    }
    return code;
}

static int get_tensor(void *engine, int place, aiwf_tensor *tensor, aiwf_error *error) {
    struct ncnn *ncnn = engine;
    if (place < 0 || place >= ncnn->output_count) {
        return fail(error, AIWF_BAD_ARGUMENT, "The network has no output number %d.", place);
    }
    const struct output *output = &ncnn->outputs[place];
    tensor->data = output->data;
    tensor->rank = output->rank + 1;
    tensor->shape[0] = ncnn->tensor.shape[0];
    memcpy(tensor->shape + 1, output->shape, (size_t)output->rank * sizeof *output->shape);
    return AIWF_OK;
}

const aiwf_engine *aiwf_engine_ncnn(void);

AIWF_API const aiwf_engine *aiwf_engine_ncnn(void) {
    static const aiwf_engine engine = {.abi = AIWF_ENGINE_ABI,
                                       .name = "ncnn",
                                       .format = "ncnn",
                                       .needs_files = 0,
                                       .init = init,
                                       .prepare = prepare,
                                       .set_tensor = set_tensor,
                                       .forward = forward,
                                       .get_tensor = get_tensor,
                                       .destroy = destroy};
    return &engine;
}
