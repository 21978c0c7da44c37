#ifndef AIWF_AFTER_H
#define AIWF_AFTER_H

#include "steps.h"

#define NOT_OF_ONE "Network and description are not of the same model: export it again."

/* Places in step->whole, of a step that decodes boxes: the sides of the network's picture. */
enum { HEIGHT, WIDTH };

/* Replace `count` logits by scores that add up to 1. */
void softmax(float *values, int64_t count);
/* AIWF_ENGINE_FAILED unless `logits` is [rows, labels]. */
int check_labels(const struct array *logits, aiwf_error *error);
/* `value` rounded to a multiple of 1 / `scale`, a power of 10, as Python's round does. */
double rounded_to(double value, double scale);

#endif
