/* A windowed sinc in polyphase form, as runtime/resampling.py has it (Crochiere and Rabiner 1983,
   Multirate Digital Signal Processing; window of Kaiser 1974). */
#include "sound.h"

#include <math.h>
#include <stdlib.h>

#define ZEROS 32 /* zero crossings of the sinc on either side */
#define CUTOFF 0.92
#define BETA 8.0
#define MOST_WEIGHTS 1000000
#define PI 3.14159265358979323846

/* The modified Bessel function of the first kind of order 0, by its series. */
static double bessel(double x) {
    double term = 1, sum = 1;
    for (int k = 1; k < 60 && term > 1e-17 * sum; k++) {
        term *= (x / 2 / k) * (x / 2 / k);
        sum += term;
    }
    return sum;
}

static int64_t divisor(int64_t a, int64_t b) {
    while (b != 0) {
        const int64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

/* The fraction nearest to *top / *bottom with a denominator of at most `most` (continued
   fractions, as Python's limit_denominator). */
static void limit_denominator(int64_t *top, int64_t *bottom, int64_t most) {
    int64_t p0 = 0, q0 = 1, p1 = 1, q1 = 0, n = *top, d = *bottom;
    if (*bottom <= most) {
        return;
    }
    for (;;) {
        const int64_t a = n / d, q2 = q0 + a * q1;
        if (q2 > most) {
            break;
        }
        const int64_t p2 = p0 + a * p1, rest = n - a * d;
        p0 = p1;
        q0 = q1;
        p1 = p2;
        q1 = q2;
        n = d;
        d = rest;
    }
    const int64_t k = (most - q0) / q1;
    /* of both bounds the nearer: 2 d (q0 + k q1) <= the denominator */
    if (2 * d * (q0 + k * q1) <= *bottom) {
        *top = p1;
        *bottom = q1;
    } else {
        *top = p0 + k * p1;
        *bottom = q0 + k * q1;
    }
}

static double scale_of(int64_t down, int64_t up) {
    return CUTOFF * fmin(1.0, (double)up / (double)down);
}

/* Filter weights [up, taps]: row p is for outputs at phase p / up between two inputs. */
static void fill_filters(int64_t up, int64_t down, int64_t half, double *row, float *filters) {
    const double scale = scale_of(down, up), highest = bessel(BETA);
    for (int64_t phase = 0; phase < up; phase++) {
        double sum = 0;
        for (int64_t k = 0; k < 2 * half; k++) {
            const double time = (double)(k + 1 - half) - (double)(phase * down % up) / (double)up;
            const double reach = fmax(-1, fmin(1, time / (double)half));
            const double angle = PI * scale * time;
            const double sinc = angle == 0 ? 1 : sin(angle) / angle;
            row[k] = scale * sinc * bessel(BETA * sqrt(1 - reach * reach)) / highest;
            sum += row[k];
        }
        for (int64_t k = 0; k < 2 * half; k++) {
            filters[phase * 2 * half + k] = (float)(row[k] / sum);
        }
    }
}

int resample(const float *from, int64_t count, int rate, int wanted, struct array *to,
             aiwf_error *error) {
    const int64_t common = divisor(rate, wanted);
    int64_t down = rate / common, up = wanted / common;
    const int64_t exact = (int64_t)ceil(ZEROS / scale_of(down, up));
    const int64_t most = MOST_WEIGHTS / (2 * exact);
    limit_denominator(&down, &up, most < 1 ? 1 : most);
    const int64_t half = (int64_t)ceil(ZEROS / scale_of(down, up)), taps = 2 * half;
    const int64_t length = (count * wanted + rate - 1) / rate;
    double *row = allocated((size_t)taps, sizeof *row, error);
    float *filters = allocated((size_t)(up * taps), sizeof *filters, error);
    int code = row == NULL || filters == NULL ? AIWF_NO_MEMORY
                                              : array_resize(to, 1, length, 1, 1, 1, error);
    if (code == AIWF_OK) {
        fill_filters(up, down, half, row, filters);
    }
    for (int64_t out = 0; code == AIWF_OK && out < length; out++) {
        const int64_t phase = out % up;
        const int64_t first = out / up * down + phase * down / up - (half - 1);
        const float *weights = filters + phase * taps;
        double sum = 0;
        for (int64_t k = first < 0 ? -first : 0; k < taps && first + k < count; k++) {
            sum += (double)from[first + k] * weights[k];
        }
        to->data[out] = (float)sum;
    }
    free(row);
    free(filters);
    return code;
}
