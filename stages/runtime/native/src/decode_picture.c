/* The step decode_picture. */
#include "picture.h"
#include "steps.h"

#include <stdlib.h>
#include <string.h>

int parse_decode_picture(const json *args, struct step *step, aiwf_error *error) {
    const json *levels = json_item(args, "levels");
    step->whole[0] = MOST_PIXELS;
    step->whole[1] = 0;
    step->whole[2] = DEEPEST_LEVEL;
    for (int k = 0; levels != NULL && k < 2; k++) {
        const json *level = json_at(levels, k);
        if (level == NULL || level->type != JSON_NUMBER || !(level->number >= 0) ||
            level->number > DEEPEST_LEVEL) {
            return fail(error, AIWF_DAMAGED, "'levels' has to be two levels of 16 bits. " AGAIN);
        }
        step->whole[1 + k] = (int)level->number;
    }
    return json_whole(args, "most_pixels", 1, MOST_PIXELS, &step->whole[0], error);
}

int check_picture_size(uint32_t width, uint32_t height, const struct picture_limits *limits,
                       aiwf_error *error) {
    if (width == 0 || height == 0) {
        return fail(error, AIWF_BAD_SAMPLE, "The picture has %u x %u pixels. Export it again.",
                    width, height);
    }
    if ((uint64_t)width * height > (uint64_t)limits->most_pixels || width > MOST_SIDE ||
        height > MOST_SIDE) {
        return fail(error, AIWF_BAD_SAMPLE,
                    "The picture is too large: %u x %u pixels, at most %d are allowed, and %d on a "
                    "side. Make it smaller, or leave it out.",
                    width, height, limits->most_pixels, MOST_SIDE);
    }
    return AIWF_OK;
}

int run_decode_picture(const struct step *step, struct value *value, aiwf_error *error) {
    static const uint8_t png[] = {0x89, 'P', 'N', 'G'};
    const struct picture_limits limits = {step->whole[0], step->whole[1], step->whole[2]};
    struct picture picture = {NULL, 0, 0};
    int code, orientation;
    if (value->size == 0) {
        return fail(error, AIWF_BAD_SAMPLE, EMPTY_SAMPLE);
    }
    if (value->size >= 2 && value->data[0] == 0xFF && value->data[1] == 0xD8) {
        code = decode_jpeg(value->data, value->size, &limits, &picture, error);
        orientation = code == AIWF_OK ? jpeg_orientation(value->data, value->size) : 1;
    } else if (value->size >= 4 && memcmp(value->data, png, 4) == 0) {
        code = decode_png(value->data, value->size, &limits, &picture, error);
        orientation = code == AIWF_OK ? png_orientation(value->data, value->size) : 1;
    } else {
        return fail(error, AIWF_BAD_SAMPLE,
                    "The %zu bytes are not a picture of a format that this library reads. Save it "
                    "as JPEG or PNG.",
                    value->size);
    }
    if (code == AIWF_OK) {
        code = turn_upright(&picture, orientation, error);
    }
    if (code != AIWF_OK) {
        free(picture.pixels);
        return code;
    }
    free(value->pixels);
    value->pixels = picture.pixels;
    value->picture_width = value->width = picture.width;
    value->picture_height = value->height = picture.height;
    return AIWF_OK;
}
