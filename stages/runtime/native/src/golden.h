/* What a detector's selftest compares: see runtime/answers/planted.py. */
#ifndef AIWF_GOLDEN_H
#define AIWF_GOLDEN_H

#include "predictor.h"

/* Write how far the answers to a golden sample are from the `expected` ones, and whether they name
   the same labels or boxes. */
int compare_labels(aiwf_predictor *predictor, const file_bytes *sample, const json *expected,
                   double *furthest, int *agrees, aiwf_error *error);
int compare_boxes(aiwf_predictor *predictor, const file_bytes *sample, const json *expected,
                  double *furthest, int *agrees, aiwf_error *error);
/* The difference of two numbers, as a share of the expected number where that is above 1. */
double deviation(double expected, double found);

#endif
