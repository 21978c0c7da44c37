#include "predictor.h"
#include "after.h"
#include "processor.h"
#include "sound.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define BATCH 16 /* windows that the network gets at a time */
#define MOST_SAMPLE_BYTES 500000000
#define MOST_OUTPUT 100000000 /* numbers in an output, of one window */

static int start_engine(aiwf_predictor *predictor, const aiwf_options *options, aiwf_error *error) {
    struct package *package = &predictor->package;
    int code = plugin_open(package->backend, options->engines, &predictor->plugin, error);
    if (code != AIWF_OK) {
        return code;
    }
    const aiwf_engine *engine = predictor->plugin.engine;
    const aiwf_engine_settings settings = {options->library, predictor->plugin.folder,
                                           package->numeric, processor_kind(), options->threads};
    const aiwf_network network = {package->model, package->files, package->file_count};
    const int wanted = package->answers == ANSWERS_BOXES ? 2 : 1;
    int outputs = 0;
    if (strcmp(engine->format, package->format) != 0) {
        return fail(error, AIWF_UNSUPPORTED,
                    "The engine %s loads %s, and the package has %.50s. " AGAIN, engine->name,
                    engine->format, package->format);
    }
    code = engine->init(&settings, &predictor->engine, error);
    if (code == AIWF_OK) {
        code = engine->prepare(predictor->engine, &network, &outputs, error);
    }
    if (code == AIWF_OK && outputs != wanted) {
        code = fail(error, AIWF_ENGINE_FAILED, "%.100s has %d outputs; %d are needed. " NOT_OF_ONE,
                    package->model, outputs, wanted);
    }
    if (!engine->needs_files) {
        package_free_files(package);
    }
    return code;
}

int aiwf_open(const char *folder, const aiwf_options *options, aiwf_predictor **predictor,
              aiwf_error *error) {
    const aiwf_options usual = aiwf_default_options();
    aiwf_error ignored;
    error = error == NULL ? &ignored : error;
    options = options == NULL ? &usual : options;
    if (folder == NULL || predictor == NULL || options->threads < 1) {
        return fail(error, AIWF_BAD_ARGUMENT,
                    "aiwf_open needs a folder, a place for the predictor, and 1 or more threads.");
    }
    *predictor = NULL;
    aiwf_predictor *made = allocated(1, sizeof *made, error);
    if (made == NULL) {
        return AIWF_NO_MEMORY;
    }
    int code = package_open(folder, options->untested, &made->package, error);
    if (code == AIWF_OK) {
        made->has_lock = pthread_mutex_init(&made->lock, NULL) == 0;
        code = made->has_lock ? start_engine(made, options, error)
                              : fail(error, AIWF_NO_MEMORY, "There is no memory for a lock.");
    }
    if (code != AIWF_OK) {
        aiwf_close(made);
        return code;
    }
    *predictor = made;
    return AIWF_OK;
}

void aiwf_close(aiwf_predictor *predictor) {
    if (predictor == NULL) {
        return;
    }
    if (predictor->engine != NULL) {
        predictor->plugin.engine->destroy(predictor->engine);
    }
    plugin_close(&predictor->plugin);
    if (predictor->has_lock) {
        pthread_mutex_destroy(&predictor->lock);
    }
    package_free(&predictor->package);
    free(predictor);
}

/* Append the engine's output `tensor` of `count` windows to `output`, which has room for `all`. */
static int append(const aiwf_tensor *tensor, int64_t done, int64_t count, int64_t all,
                  struct array *output, aiwf_error *error) {
    int64_t numbers = 1, sides[4] = {all, 1, 1, 1};
    if (tensor->rank < 1 || tensor->rank > 4 || tensor->shape[0] != count) {
        return fail(error, AIWF_ENGINE_FAILED,
                    "The network gives another number of answers than %d "
                    "windows. Export the model again.",
                    (int)count);
    }
    for (int k = 1; k < tensor->rank; k++) {
        sides[k] = tensor->shape[k];
        if (sides[k] < 1 || sides[k] > MOST_OUTPUT / numbers) {
            return fail(error, AIWF_ENGINE_FAILED,
                        "The network gives no answers, or more than %d numbers for a window. "
                        "Export the model again.",
                        MOST_OUTPUT);
        }
        numbers *= sides[k];
    }
    if (done == 0) {
        const int code =
            array_resize(output, tensor->rank, sides[0], sides[1], sides[2], sides[3], error);
        if (code != AIWF_OK) {
            return code;
        }
    } else if (output->rank != tensor->rank || array_count(output) != all * numbers) {
        return fail(error, AIWF_ENGINE_FAILED, "The network's outputs change their shape.");
    }
    for (int64_t k = 0; k < count * numbers; k++) {
        if (!isfinite(tensor->data[k])) {
            return fail(
                error, AIWF_ENGINE_FAILED,
                "The network's output has values that are no numbers (NaN or infinite). The "
                "network is damaged, or was trained to nothing: train it again.");
        }
    }
    memcpy(output->data + done * numbers, tensor->data, (size_t)(count * numbers) * sizeof(float));
    return AIWF_OK;
}

static int run_batch(aiwf_predictor *predictor, const struct array *windows, int64_t done,
                     struct array outputs[MOST_OUTPUTS], aiwf_error *error) {
    const aiwf_engine *engine = predictor->plugin.engine;
    const int64_t rest = windows->shape[0] - done, count = rest < BATCH ? rest : BATCH;
    const int64_t numbers = array_count(windows) / windows->shape[0];
    aiwf_tensor tensor = {windows->data + done * numbers, {count}, windows->rank};
    for (int k = 1; k < windows->rank; k++) {
        tensor.shape[k] = windows->shape[k];
    }
    int code = engine->set_tensor(predictor->engine, &tensor, error);
    if (code == AIWF_OK) {
        code = engine->forward(predictor->engine, error);
    }
    const int wanted = predictor->package.answers == ANSWERS_BOXES ? 2 : 1;
    for (int k = 0; k < wanted && code == AIWF_OK; k++) {
        aiwf_tensor output;
        code = engine->get_tensor(predictor->engine, k, &output, error);
        if (code == AIWF_OK) {
            code = append(&output, done, count, windows->shape[0], &outputs[k], error);
        }
    }
    return code;
}

int predictor_forward(aiwf_predictor *predictor, int start, struct value *value,
                      aiwf_error *error) {
    struct array outputs[MOST_OUTPUTS] = {{0}};
    int code = steps_run(&predictor->package.before, start, value, error);
    if (code != AIWF_OK) {
        return code;
    }
    pthread_mutex_lock(&predictor->lock);
    for (int64_t k = 0; k < value->arrays[0].shape[0] && code == AIWF_OK; k += BATCH) {
        code = run_batch(predictor, &value->arrays[0], k, outputs, error);
    }
    pthread_mutex_unlock(&predictor->lock);
    for (int k = 0; k < MOST_OUTPUTS; k++) {
        free(value->arrays[k].data);
        value->arrays[k] = outputs[k];
    }
    value->kind = KIND_OUTPUTS;
    return code;
}

int predictor_finish(const aiwf_predictor *predictor, struct value *value, aiwf_error *error) {
    const struct package *package = &predictor->package;
    const int code = steps_run(&package->after, 0, value, error);
    const struct array *last = &value->arrays[0];
    if (code != AIWF_OK) {
        return code;
    }
    const int64_t labels = package->answers == ANSWERS_BOXES ? value->scored : last->shape[1];
    const int one_row =
        package->answers == ANSWERS_BOXES || (last->rank == 2 && last->shape[0] == 1);
    if (labels != package->label_count || !one_row) {
        return fail(error, AIWF_ENGINE_FAILED,
                    "The network answers %d labels, and there are %d. " NOT_OF_ONE, (int)labels,
                    package->label_count);
    }
    for (int64_t k = 0; k < array_count(last); k++) { /* sums of finite numbers may be infinite */
        if (!isfinite(last->data[k])) {
            return fail(error, AIWF_ENGINE_FAILED,
                        "The network's answers are too large to be numbers. Train it again.");
        }
    }
    return AIWF_OK;
}

/* Predict from step `start` on; frees `value`. Engines need a place for an error. */
static int predict(aiwf_predictor *predictor, int start, struct value *value, aiwf_result **result,
                   aiwf_error *error) {
    aiwf_error ignored;
    error = error == NULL ? &ignored : error;
    int code = predictor_forward(predictor, start, value, error);
    if (code == AIWF_OK) {
        code = predictor_finish(predictor, value, error);
    }
    if (code == AIWF_OK) {
        code = make_result(&predictor->package, value, predictor->package.threshold, result, error);
    }
    value_free(value);
    return code;
}

int aiwf_predict_bytes(aiwf_predictor *predictor, const void *data, size_t size,
                       aiwf_result **result, aiwf_error *error) {
    struct value value = {.kind = KIND_BYTES, .data = data, .size = size};
    if (predictor == NULL || result == NULL || (data == NULL && size > 0)) {
        return fail(error, AIWF_BAD_ARGUMENT,
                    "aiwf_predict_bytes needs a predictor, data and a place "
                    "for the result.");
    }
    *result = NULL;
    return predict(predictor, 0, &value, result, error);
}

int aiwf_predict_file(aiwf_predictor *predictor, const char *file, aiwf_result **result,
                      aiwf_error *error) {
    file_bytes bytes;
    if (predictor == NULL || result == NULL || file == NULL) {
        return fail(error, AIWF_BAD_ARGUMENT,
                    "aiwf_predict_file needs a predictor, a file and a place "
                    "for the result.");
    }
    *result = NULL;
    int code = file_read("", file, MOST_SAMPLE_BYTES, 0, AIWF_BAD_ARGUMENT, &bytes, error);
    if (code == AIWF_OK) {
        code = aiwf_predict_bytes(predictor, bytes.data, bytes.size, result, error);
        free(bytes.data);
    }
    return code;
}

int aiwf_predict_pixels(aiwf_predictor *predictor, const uint8_t *rgb, int width, int height,
                        size_t stride, aiwf_result **result, aiwf_error *error) {
    struct value value = {.kind = KIND_PICTURE};
    if (predictor == NULL || result == NULL || rgb == NULL || width < 1 || height < 1 ||
        stride < 3 * (size_t)width || predictor->package.sounds) {
        return fail(
            error, AIWF_BAD_ARGUMENT,
            "aiwf_predict_pixels needs a predictor for pictures, pixels with their size, and a "
            "place for the result.");
    }
    *result = NULL;
    value.pixels = allocated((size_t)width * (size_t)height, 3, error);
    if (value.pixels == NULL) {
        return AIWF_NO_MEMORY;
    }
    for (int row = 0; row < height; row++) {
        memcpy(value.pixels + 3 * (size_t)width * (size_t)row, rgb + stride * (size_t)row,
               3 * (size_t)width);
    }
    value.width = value.picture_width = width;
    value.height = value.picture_height = height;
    return predict(predictor, 1, &value, result, error);
}

int aiwf_predict_samples(aiwf_predictor *predictor, const float *samples, size_t frames,
                         int channels, int rate, aiwf_result **result, aiwf_error *error) {
    struct value value = {.kind = KIND_WAVEFORM};
    if (predictor == NULL || result == NULL || samples == NULL || frames > INT_MAX ||
        !predictor->package.sounds) {
        return fail(
            error, AIWF_BAD_ARGUMENT,
            "aiwf_predict_samples needs a predictor for sounds, samples with their number, and "
            "a place for the result.");
    }
    *result = NULL;
    const struct step *decode = &predictor->package.before.items[0];
    int code = check_sound(samples, (int64_t)frames, channels, rate, decode->real[0], error);
    if (code == AIWF_OK) {
        value.seconds = (double)frames / rate;
        code = to_waveform(samples, (int64_t)frames, channels, rate, decode->whole[0],
                           &value.arrays[0], error);
    }
    if (code != AIWF_OK) {
        value_free(&value);
        return code;
    }
    return predict(predictor, 1, &value, result, error);
}
