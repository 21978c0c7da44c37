/* PNG by libpng: the first frame, transparent pixels on white, 16 bits to 8. */
#include "picture.h"

#include <math.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <png.h>

#define MOST_CHUNK_BYTES 50000000

struct source {
    const uint8_t *at, *end;
    char reason[200];
};

static void stop(png_structp png, png_const_charp reason) {
    struct source *source = png_get_error_ptr(png);
    strncpy(source->reason, reason, sizeof source->reason - 1);
    png_longjmp(png, 1);
}

static void ignore_warning(png_structp png, png_const_charp reason) {
    (void)png;
    (void)reason;
}

static void read_part(png_structp png, png_bytep to, size_t size) {
    struct source *source = png_get_io_ptr(png);
    if (size > (size_t)(source->end - source->at)) {
        png_error(png, "it ends too early");
    }
    memcpy(to, source->at, size);
    source->at += size;
}

/* Choose transforms, as Pillow converts: 16 bits of colours lose their lower byte; grey of 16 bits
   stays as it is. */
static int set_transforms(png_structp png, png_infop info) {
    const int type = png_get_color_type(png, info), depth = png_get_bit_depth(png, info);
    const int wide_grey = type == PNG_COLOR_TYPE_GRAY && depth == 16;
    if (depth == 16 && !wide_grey) {
        png_set_strip_16(png);
    }
    if (type == PNG_COLOR_TYPE_PALETTE) {
        png_set_palette_to_rgb(png);
    } else if (type == PNG_COLOR_TYPE_GRAY && depth < 8) {
        png_set_expand_gray_1_2_4_to_8(png);
    }
    if (!wide_grey && png_get_valid(png, info, PNG_INFO_tRNS)) {
        png_set_tRNS_to_alpha(png);
    }
    png_set_interlace_handling(png);
    png_read_update_info(png, info);
    return wide_grey;
}

static uint8_t over_white(uint8_t level, uint8_t alpha) {
    const uint32_t share = (uint32_t)alpha * 128; /* Pillow's own rounding */
    const uint32_t sum = level * share + 255 * (255 * 128 - share) + (0x80u << 7);
    return (uint8_t)((((sum >> 8) + sum) >> 8) >> 7);
}

/* Whether every pixel is transparent and yet the colours differ: some programs write a fourth
   channel that they do not use. */
static int is_all_transparent(const uint8_t *pixels, size_t count, int channels) {
    int differ = 0;
    for (size_t k = 0; k < count; k++) {
        const uint8_t *pixel = pixels + k * (size_t)channels;
        if (pixel[channels - 1] != 0) {
            return 0;
        }
        differ |= memcmp(pixel, pixels, (size_t)channels - 1) != 0;
    }
    return differ;
}

static void to_rgb(const uint8_t *from, int channels, int opaque, struct picture *picture) {
    const size_t count = (size_t)picture->width * (size_t)picture->height;
    const int alpha = channels == 2 || channels == 4, grey = channels < 3;
    for (size_t k = 0; k < count; k++) {
        const uint8_t *pixel = from + k * (size_t)channels;
        for (int channel = 0; channel < 3; channel++) {
            const uint8_t level = pixel[grey ? 0 : channel];
            picture->pixels[3 * k + (size_t)channel] =
                alpha && !opaque ? over_white(level, pixel[channels - 1]) : level;
        }
    }
}

static void levels_to_rgb(const uint8_t *from, const struct picture_limits *limits,
                          struct picture *picture) {
    const size_t count = (size_t)picture->width * (size_t)picture->height;
    const double low = limits->black, high = limits->white, span = high > low ? high - low : 1;
    for (size_t k = 0; k < count; k++) {
        const double share = ((from[2 * k] << 8 | from[2 * k + 1]) - low) / span;
        const uint8_t level = (uint8_t)rint(255 * (share < 0 ? 0 : share > 1 ? 1 : share));
        memset(picture->pixels + 3 * k, level, 3);
    }
}

/* Transparency of a palette is meant, as there transparent colours are chosen; that of a channel
   may not be. */
static int decode(png_structp png, png_infop info, const struct picture_limits *limits,
                  struct picture *picture, uint8_t **stored, png_bytep **rows, aiwf_error *error) {
    png_read_info(png, info);
    const uint32_t width = png_get_image_width(png, info), height = png_get_image_height(png, info);
    const int own_alpha = (png_get_color_type(png, info) & PNG_COLOR_MASK_ALPHA) != 0;
    int code = check_picture_size(width, height, limits, error);
    if (code != AIWF_OK) {
        return code;
    }
    const int wide_grey = set_transforms(png, info);
    const size_t stride = png_get_rowbytes(png, info);
    picture->width = (int)width;
    picture->height = (int)height;
    *stored = allocated(height, stride, error);
    *rows = allocated(height, sizeof **rows, error);
    picture->pixels = allocated((size_t)width * height, 3, error);
    if (*stored == NULL || *rows == NULL || picture->pixels == NULL) {
        return AIWF_NO_MEMORY;
    }
    for (uint32_t row = 0; row < height; row++) {
        (*rows)[row] = *stored + stride * row;
    }
    png_read_image(png, *rows);
    const int channels = png_get_channels(png, info);
    if (wide_grey) {
        levels_to_rgb(*stored, limits, picture);
    } else {
        const size_t count = (size_t)width * height;
        const int opaque = own_alpha && is_all_transparent(*stored, count, channels);
        to_rgb(*stored, channels, opaque, picture);
    }
    return AIWF_OK;
}

int decode_png(const uint8_t *data, size_t size, const struct picture_limits *limits,
               struct picture *picture, aiwf_error *error) {
    struct source source = {data, data + size, ""};
    png_infop info = NULL;
    uint8_t *stored = NULL;
    png_bytep *rows = NULL;
    int code;
    png_structp png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &source, stop, ignore_warning);
    info = png == NULL ? NULL : png_create_info_struct(png);
    if (info == NULL) {
        png_destroy_read_struct(&png, NULL, NULL);
        return fail(error, AIWF_NO_MEMORY, "There is no memory for a PNG. Use a smaller sample.");
    }
    uint8_t **volatile stored_at = &stored; /* what changes between setjmp and longjmp is read */
    png_bytep **volatile rows_at = &rows;   /* through pointers */
    if (setjmp(png_jmpbuf(png))) {
        code = fail(error, AIWF_BAD_SAMPLE,
                    "The picture cannot be decoded: %.150s. " DAMAGED_SAMPLE, source.reason);
    } else {
        png_set_read_fn(png, &source, read_part);
        png_set_user_limits(png, MOST_SIDE, MOST_SIDE);
        png_set_chunk_malloc_max(png, MOST_CHUNK_BYTES);
        png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, NULL, 0);
        code = decode(png, info, limits, picture, &stored, &rows, error);
    }
    png_destroy_read_struct(&png, &info, NULL);
    free(*stored_at);
    free((void *)*rows_at);
    return code;
}
