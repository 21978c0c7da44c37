/* A libFuzzer target: descriptions, seals, pictures and sounds that were made to break their
   readers. The first byte says which reader gets the others. */
#include "package.h"
#include "sound.h"
#include "picture.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
const char *__lsan_default_suppressions(void);

/* libsndfile frees not all of a damaged OGG. */
const char *__lsan_default_suppressions(void) {
    return "leak:vorbis\nleak:libsndfile\nleak:ogg_\n";
}

static const char picture_steps[] =
    "[{\"step\": \"decode_picture\", \"args\": {\"most_pixels\": 1000000}},"
    "{\"step\": \"resize\", \"args\": {\"size\": 16, \"fit\": \"crop\"}},"
    "{\"step\": \"normalise\", \"args\": {\"mean\": [0.5, 0.5, 0.5],"
    "\"std\": [0.5, 0.5, 0.5]}}, {\"step\": \"to_channels_first\"}]";
static const char sound_steps[] =
    "[{\"step\": \"decode_sound\", \"args\": {\"rate\": 8000,"
    "\"most_seconds\": 5}}, {\"step\": \"log_mel\", \"args\": {\"rate\":"
    "8000, \"window\": 200, \"hop\": 100, \"bands\": 8, \"low\": 50,"
    "\"high\": 4000}}, {\"step\": \"windows\", \"args\": {\"frames\": 20}}]";

static void run_steps(const char *text, const uint8_t *data, size_t size) {
    aiwf_error error;
    json_document document;
    struct steps steps = {0};
    enum kind last;
    struct value value = {.kind = KIND_BYTES, .data = data, .size = size};
    if (json_parse(text, strlen(text), "steps", &document, &error) == AIWF_OK) {
        if (steps_parse(document.root, "before", KIND_BYTES, &steps, &last, &error) == AIWF_OK) {
            steps_run(&steps, 0, &value, &error);
        } else {
            abort();
        }
        value_free(&value);
        steps_free(&steps);
        json_free(&document);
    }
}

static void parse_package(const uint8_t *data, size_t size) {
    aiwf_error error;
    struct package package = {0};
    package_parse((const char *)data, size, &package, &error);
    package_free(&package);
}

static void parse_seal(const uint8_t *data, size_t size) {
    aiwf_error error;
    seal found;
    if (seal_parse((const char *)data, size, &found, &error) == AIWF_OK) {
        seal_free(&found);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size == 0) {
        return 0;
    }
    switch (data[0] % 4) {
    case 0:
        parse_package(data + 1, size - 1);
        break;
    case 1:
        parse_seal(data + 1, size - 1);
        break;
    case 2:
        run_steps(picture_steps, data + 1, size - 1);
        break;
    default:
        run_steps(sound_steps, data + 1, size - 1);
    }
    return 0;
}
