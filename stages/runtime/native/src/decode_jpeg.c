/* JPEG by libjpeg-turbo, with Pillow's settings: the exact inverse transform, smooth upsampling,
   Adobe's inverted CMYK. */
#include "picture.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jerror.h>
#include <jpeglib.h>

#define MOST_SCANS 500 /* usual are 1 and 10, size optimisers make some dozens */
#define MOST_SCANNED_PIXELS 4000000000.0
#define MOST_PARTS 20000 /* of a header; more for larger files */
#define BYTES_A_PART 100

struct failure {
    struct jpeg_error_mgr manager; /* first: libjpeg knows the struct by it */
    jmp_buf back;
    char reason[JMSG_LENGTH_MAX];
};

static void stop(j_common_ptr common) {
    struct failure *failure = (struct failure *)common->err;
    failure->manager.format_message(common, failure->reason);
    longjmp(failure->back, 1);
}

static void ignore_message(j_common_ptr common, int level) {
    (void)common;
    (void)level;
}

static void ignore_start(j_decompress_ptr jpeg) {
    (void)jpeg;
}

/* Called where the data ends before the picture does. */
static boolean refuse_end(j_decompress_ptr jpeg) {
    ERREXIT(jpeg, JERR_INPUT_EOF);
    return FALSE;
}

static void skip(j_decompress_ptr jpeg, long count) {
    if (count > 0) {
        if ((size_t)count > jpeg->src->bytes_in_buffer) {
            ERREXIT(jpeg, JERR_INPUT_EOF);
        }
        jpeg->src->next_input_byte += count;
        jpeg->src->bytes_in_buffer -= (size_t)count;
    }
}

/* How many scans the first picture in the file has (ITU T.81, B.1.1), and how many parts. */
static int count_scans(const uint8_t *data, size_t size, size_t *parts) {
    int scans = 0;
    *parts = 0;
    for (size_t at = 2; at + 1 < size;) {
        const uint8_t marker = data[at + 1];
        if (data[at] != 0xFF || marker == 0 || marker == 0xFF ||
            (marker >= 0xD0 && marker <= 0xD7)) {
            at++;
            continue;
        }
        if (marker == 0xD9) {
            break;
        }
        scans += marker == 0xDA;
        *parts += 1;
        at += 2;
        if (marker != 0x01 && marker != 0xD8) {
            at += at + 1 < size ? (size_t)data[at] << 8 | data[at + 1] : 0;
        }
    }
    return scans;
}

static int check_scans(const uint8_t *data, size_t size, double pixels, aiwf_error *error) {
    size_t parts;
    const int scans = count_scans(data, size, &parts);
    if (scans > MOST_SCANS || scans * pixels > MOST_SCANNED_PIXELS ||
        parts > MOST_PARTS + size / BYTES_A_PART) {
        return fail(error, AIWF_BAD_SAMPLE,
                    "The JPEG has %d scans and %zu parts. Open it in a program for pictures and "
                    "save it as a usual JPEG.",
                    scans, parts);
    }
    return AIWF_OK;
}

static uint8_t product(unsigned a, unsigned b) {
    const unsigned rounded = a * b + 128;
    return (uint8_t)(((rounded >> 8) + rounded) >> 8);
}

/* Turn a row of grey or of inverted CMYK to RGB, in place from its end or from its beginning. */
static void to_rgb(uint8_t *to, const uint8_t *row, int width, int components) {
    for (int x = 0; x < width; x++) {
        if (components == 1) {
            to[3 * x] = to[3 * x + 1] = to[3 * x + 2] = row[x];
            continue;
        }
        const uint8_t *ink = row + 4 * x; /* 255: none of it */
        for (int channel = 0; channel < 3; channel++) {
            const int level = ink[3] - product(255u - ink[channel], ink[3]);
            to[3 * x + channel] = (uint8_t)(level < 0 ? 0 : level);
        }
    }
}

static void read_rows(struct jpeg_decompress_struct *jpeg, uint8_t *row, struct picture *picture) {
    const size_t stride = (size_t)3 * (size_t)picture->width;
    while (jpeg->output_scanline < jpeg->output_height) {
        uint8_t *to = picture->pixels + stride * jpeg->output_scanline;
        JSAMPROW rows[1] = {row == NULL ? to : row};
        if (jpeg_read_scanlines(jpeg, rows, 1) == 1 && row != NULL) {
            to_rgb(to, row, picture->width, jpeg->output_components);
        }
    }
}

int decode_jpeg(const uint8_t *data, size_t size, const struct picture_limits *limits,
                struct picture *picture, aiwf_error *error) {
    struct jpeg_decompress_struct jpeg;
    struct failure failure;
    struct jpeg_source_mgr source = {.next_input_byte = data,
                                     .bytes_in_buffer = size,
                                     .init_source = ignore_start,
                                     .fill_input_buffer = refuse_end,
                                     .skip_input_data = skip,
                                     .resync_to_restart = jpeg_resync_to_restart,
                                     .term_source = ignore_start};
    uint8_t *volatile row = NULL;
    volatile int code = AIWF_OK;
    memset(&jpeg, 0, sizeof jpeg);
    jpeg.err = jpeg_std_error(&failure.manager);
    failure.manager.error_exit = stop;
    failure.manager.emit_message = ignore_message;
    if (setjmp(failure.back)) {
        code = fail(error, AIWF_BAD_SAMPLE,
                    "The picture cannot be decoded: %.200s. " DAMAGED_SAMPLE, failure.reason);
        goto end;
    }
    jpeg_create_decompress(&jpeg);
    jpeg.src = &source;
    jpeg_read_header(&jpeg, TRUE);
    code = check_picture_size(jpeg.image_width, jpeg.image_height, limits, error);
    if (code == AIWF_OK) {
        code = check_scans(data, size, (double)jpeg.image_width * jpeg.image_height, error);
    }
    if (code != AIWF_OK) {
        goto end;
    }
    jpeg.out_color_space = jpeg.num_components == 1   ? JCS_GRAYSCALE
                           : jpeg.num_components == 4 ? JCS_CMYK
                                                      : JCS_RGB;
    picture->width = (int)jpeg.image_width;
    picture->height = (int)jpeg.image_height;
    picture->pixels = allocated((size_t)picture->width * (size_t)picture->height, 3, error);
    if (jpeg.num_components != 3 && picture->pixels != NULL) {
        row = allocated((size_t)picture->width, 4, error);
    }
    if (picture->pixels == NULL || (jpeg.num_components != 3 && row == NULL)) {
        code = AIWF_NO_MEMORY;
        goto end;
    }
    jpeg_start_decompress(&jpeg);
    read_rows(&jpeg, row, picture);
    jpeg_finish_decompress(&jpeg);
end:
    jpeg_destroy_decompress(&jpeg);
    free(row);
    return code;
}
