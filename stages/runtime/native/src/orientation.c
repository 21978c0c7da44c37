/* How a picture has to be turned: EXIF's orientation (JEITA CP-3451, 4.6.4), as Pillow reads it. */
#include "picture.h"

#include <stdlib.h>
#include <string.h>

#define ORIENTATION 0x0112
#define MOST_ENTRIES 1000

static uint32_t number(const uint8_t *at, int bytes, int little) {
    uint32_t value = 0;
    for (int k = 0; k < bytes; k++) {
        value = value << 8 | at[little ? bytes - 1 - k : k];
    }
    return value;
}

int exif_orientation(const uint8_t *data, size_t size) {
    if (size < 8 || (memcmp(data, "II*\0", 4) != 0 && memcmp(data, "MM\0*", 4) != 0)) {
        return 0;
    }
    const int little = data[0] == 'I';
    const size_t at = number(data + 4, 4, little);
    if (at > size - 2) {
        return 0;
    }
    const uint32_t count = number(data + at, 2, little);
    for (uint32_t k = 0; k < count && k < MOST_ENTRIES; k++) {
        const size_t entry = at + 2 + 12 * (size_t)k;
        if (entry + 12 > size) {
            return 0;
        }
        if (number(data + entry, 2, little) == ORIENTATION) {
            const uint32_t type = number(data + entry + 2, 2, little);
            return type == 3   ? (int)number(data + entry + 8, 2, little)
                   : type == 4 ? (int)(number(data + entry + 8, 4, little) & 0xFFFF)
                               : 0;
        }
    }
    return 0;
}

int xmp_orientation(const uint8_t *data, size_t size) {
    static const char name[] = "tiff:Orientation";
    const size_t length = sizeof name - 1;
    for (size_t at = 0; at + length + 3 < size; at++) {
        if (memcmp(data + at, name, length) == 0) {
            const uint8_t *after = data + at + length;
            const uint8_t *digit = *after == '>'                  ? after + 1
                                   : memcmp(after, "=\"", 2) == 0 ? after + 2
                                                                  : NULL;
            if (digit != NULL && *digit >= '0' && *digit <= '9') {
                return *digit - '0';
            }
        }
    }
    return 0;
}

int jpeg_orientation(const uint8_t *data, size_t size) {
    static const char exif[] = "Exif\0", xmp[] = "http://ns.adobe.com/xap/1.0/";
    int by_xmp = 0;
    for (size_t at = 2; at + 4 <= size && data[at] == 0xFF;) {
        const uint8_t marker = data[at + 1];
        if (marker == 0xFF) { /* padding */
            at++;
            continue;
        }
        const size_t length = number(data + at + 2, 2, 0);
        if (marker == 0xDA || marker == 0xD9 || length < 2 || at + 2 + length > size) {
            break;
        }
        const uint8_t *content = data + at + 4;
        const size_t bytes = length - 2;
        if (marker == 0xE1 && bytes > sizeof exif && memcmp(content, exif, sizeof exif) == 0) {
            const int found = exif_orientation(content + sizeof exif, bytes - sizeof exif);
            if (found != 0) {
                return found;
            }
        }
        if (marker == 0xE1 && bytes > sizeof xmp && memcmp(content, xmp, sizeof xmp) == 0) {
            by_xmp = xmp_orientation(content, bytes);
        }
        at += 2 + length;
    }
    return by_xmp;
}

int png_orientation(const uint8_t *data, size_t size) {
    for (size_t at = 8; at + 12 <= size;) {
        const size_t bytes = number(data + at, 4, 0);
        if (bytes > size - at - 12) {
            break;
        }
        if (memcmp(data + at + 4, "eXIf", 4) == 0) {
            const uint8_t *content = data + at + 8;
            const size_t skipped = bytes > 6 && memcmp(content, "Exif\0\0", 6) == 0 ? 6 : 0;
            return exif_orientation(content + skipped, bytes - skipped);
        }
        at += 12 + bytes;
    }
    return 0;
}

int turn_upright(struct picture *picture, int orientation, aiwf_error *error) {
    const int width = picture->width, height = picture->height;
    const int swapped = orientation >= 5; /* rows become columns */
    if (orientation < 2 || orientation > 8) {
        return AIWF_OK;
    }
    uint8_t *turned = allocated((size_t)width * (size_t)height, 3, error);
    if (turned == NULL) {
        return AIWF_NO_MEMORY;
    }
    const int flip_x = orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
    const int flip_y = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
    const int wide = swapped ? height : width, high = swapped ? width : height;
    for (int row = 0; row < high; row++) {
        for (int column = 0; column < wide; column++) {
            const int x = swapped ? row : column, y = swapped ? column : row;
            const size_t from = (size_t)(flip_y ? height - 1 - y : y) * (size_t)width +
                                (size_t)(flip_x ? width - 1 - x : x);
            memcpy(turned + 3 * ((size_t)row * (size_t)wide + (size_t)column),
                   picture->pixels + 3 * from, 3);
        }
    }
    free(picture->pixels);
    picture->pixels = turned;
    picture->width = wide;
    picture->height = high;
    return AIWF_OK;
}
