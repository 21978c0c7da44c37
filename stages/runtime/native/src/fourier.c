#include "fourier.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define PI 3.14159265358979323846

/* Cooley and Tukey's transform of `data` [inner, 2], in place; with `back` the inverse, unscaled.
 */
static void transform(const struct fourier *fourier, double *data, int back) {
    const int count = fourier->inner;
    for (int at = 1, to = 0; at < count; at++) {
        int bit = count >> 1;
        for (; to & bit; bit >>= 1) {
            to ^= bit;
        }
        to ^= bit;
        for (int k = 0; at < to && k < 2; k++) {
            const double swapped = data[2 * at + k];
            data[2 * at + k] = data[2 * to + k];
            data[2 * to + k] = swapped;
        }
    }
    for (int half = 1; half < count; half *= 2) {
        for (int at = 0; at < count; at += 2 * half) {
            for (int k = 0; k < half; k++) {
                const double *turn = fourier->turns + 2 * (k * (count / 2 / half));
                const double c = turn[0], s = back ? -turn[1] : turn[1];
                double *a = data + 2 * (at + k), *b = a + 2 * half;
                const double x = b[0] * c + b[1] * s, y = b[1] * c - b[0] * s;
                b[0] = a[0] - x;
                b[1] = a[1] - y;
                a[0] += x;
                a[1] += y;
            }
        }
    }
}

/* exp(-i pi k^2 / size): the angle is reduced first, as k^2 is large. */
static void fill_chirp(struct fourier *fourier) {
    const int size = fourier->size, inner = fourier->inner;
    for (int k = 0; k < size; k++) {
        const double angle = PI * (double)((int64_t)k * k % (2 * (int64_t)size)) / size;
        fourier->chirp[2 * k] = cos(angle);
        fourier->chirp[2 * k + 1] = -sin(angle);
        fourier->kernel[2 * k] = cos(angle);
        fourier->kernel[2 * k + 1] = sin(angle);
        if (k > 0) {
            memcpy(fourier->kernel + 2 * (inner - k), fourier->kernel + 2 * k, 2 * sizeof(double));
        }
    }
    transform(fourier, fourier->kernel, 0);
}

int fourier_make(struct fourier *fourier, int size, aiwf_error *error) {
    const int even = (size & (size - 1)) == 0;
    memset(fourier, 0, sizeof *fourier);
    fourier->size = size;
    fourier->inner = 1;
    while (fourier->inner < (even ? size : 2 * size - 1)) {
        fourier->inner *= 2;
    }
    const size_t inner = (size_t)fourier->inner;
    fourier->turns = allocated(inner + 2, sizeof(double), error);
    fourier->work = allocated(inner, 2 * sizeof(double), error);
    fourier->chirp = allocated(even ? 1 : (size_t)size, 2 * sizeof(double), error);
    fourier->kernel = allocated(even ? 1 : inner, 2 * sizeof(double), error);
    if (fourier->turns == NULL || fourier->work == NULL || fourier->chirp == NULL ||
        fourier->kernel == NULL) {
        fourier_free(fourier);
        return AIWF_NO_MEMORY;
    }
    for (int k = 0; k < fourier->inner / 2; k++) {
        fourier->turns[2 * k] = cos(2 * PI * k / fourier->inner);
        fourier->turns[2 * k + 1] = sin(2 * PI * k / fourier->inner);
    }
    if (!even) {
        fill_chirp(fourier);
    }
    return AIWF_OK;
}

/* By a convolution with the chirp. */
static void transform_any(struct fourier *fourier, const double *values) {
    double *work = fourier->work;
    memset(work, 0, (size_t)fourier->inner * 2 * sizeof *work);
    for (int k = 0; k < fourier->size; k++) {
        work[2 * k] = values[k] * fourier->chirp[2 * k];
        work[2 * k + 1] = values[k] * fourier->chirp[2 * k + 1];
    }
    transform(fourier, work, 0);
    for (int k = 0; k < fourier->inner; k++) {
        const double x = work[2 * k], y = work[2 * k + 1];
        const double *by = fourier->kernel + 2 * k;
        work[2 * k] = (x * by[0] - y * by[1]) / fourier->inner;
        work[2 * k + 1] = (x * by[1] + y * by[0]) / fourier->inner;
    }
    transform(fourier, work, 1); /* the last factor, of absolute value 1, changes no energy */
}

void fourier_energy(struct fourier *fourier, const double *values, double *energy) {
    double *work = fourier->work;
    if (fourier->inner == fourier->size) {
        for (int k = 0; k < fourier->size; k++) {
            work[2 * k] = values[k];
            work[2 * k + 1] = 0;
        }
        transform(fourier, work, 0);
    } else {
        transform_any(fourier, values);
    }
    for (int k = 0; k <= fourier->size / 2; k++) {
        energy[k] = work[2 * k] * work[2 * k] + work[2 * k + 1] * work[2 * k + 1];
    }
}

void fourier_free(struct fourier *fourier) {
    free(fourier->turns);
    free(fourier->work);
    free(fourier->chirp);
    free(fourier->kernel);
    memset(fourier, 0, sizeof *fourier);
}
