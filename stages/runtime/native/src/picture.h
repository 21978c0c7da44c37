/* Decodes pictures to upright 8-bit RGB. */
#ifndef AIWF_PICTURE_H
#define AIWF_PICTURE_H

#include "fault.h"

#define MOST_PIXELS 89000000
#define MOST_SIDE 1000000 /* pixels */
#define DEEPEST_LEVEL 65535

struct picture {
    uint8_t *pixels; /* [height, width, 3] */
    int width, height;
};

struct picture_limits {
    int most_pixels;
    int black, white; /* levels of a picture of 16 bits that become 0 and 255 */
};

int decode_jpeg(const uint8_t *data, size_t size, const struct picture_limits *limits,
                struct picture *picture, aiwf_error *error);
int decode_png(const uint8_t *data, size_t size, const struct picture_limits *limits,
               struct picture *picture, aiwf_error *error);

/* AIWF_BAD_SAMPLE for a size that is not decoded. */
int check_picture_size(uint32_t width, uint32_t height, const struct picture_limits *limits,
                       aiwf_error *error);

/* The orientation, 1 to 8, that the EXIF in `data`, a TIFF header with its directory, states; 0 if
   it states none. */
int exif_orientation(const uint8_t *data, size_t size);
/* The same of a text in XMP. */
int xmp_orientation(const uint8_t *data, size_t size);
/* The orientation that a JPEG or a PNG states; 1 if it states none. */
int jpeg_orientation(const uint8_t *data, size_t size);
int png_orientation(const uint8_t *data, size_t size);
/* Turn `picture` upright. */
int turn_upright(struct picture *picture, int orientation, aiwf_error *error);

#endif
