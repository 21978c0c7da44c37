/* In place of the decoders, where the library was built without them. */
#include "picture.h"

static int without(aiwf_error *error) {
    return fail(error, AIWF_UNSUPPORTED,
                "This library was built without decoders of pictures. Give it pixels.");
}

int decode_jpeg(const uint8_t *data, size_t size, const struct picture_limits *limits,
                struct picture *picture, aiwf_error *error) {
    (void)data;
    (void)size;
    (void)limits;
    (void)picture;
    return without(error);
}

int decode_png(const uint8_t *data, size_t size, const struct picture_limits *limits,
               struct picture *picture, aiwf_error *error) {
    return decode_jpeg(data, size, limits, picture, error);
}
