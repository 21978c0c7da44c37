/* The Fourier transform of real numbers of any length. */
#ifndef AIWF_FOURIER_H
#define AIWF_FOURIER_H

#include "fault.h"

struct fourier {
    int size, inner;        /* inner: the power of 2 that is transformed */
    double *turns;          /* cosine, sine [inner / 2, 2] */
    double *chirp, *kernel; /* of other lengths than powers of 2: Bluestein 1970 */
    double *work;           /* [inner, 2] */
};

int fourier_make(struct fourier *fourier, int size, aiwf_error *error);
/* |transform|^2 of `values` [size]: [size / 2 + 1]. */
void fourier_energy(struct fourier *fourier, const double *values, double *energy);
void fourier_free(struct fourier *fourier);

#endif
