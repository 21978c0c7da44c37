/* Errors and checked memory. */
#ifndef AIWF_FAULT_H
#define AIWF_FAULT_H

#include "aiwf.h"
#include "names.h"

#define MOST_ALLOCATION ((size_t)1 << 31) /* bytes of one allocation */
#define AGAIN "Copy or make the package again; do not use this one."
#define EMPTY_SAMPLE "The file is empty (0 bytes). Copy it again from where it came from."
#define DAMAGED_SAMPLE "It is truncated or damaged: copy it again, or leave it out."

/* Write code and message to `error`, which may be NULL; returns `code`. */
int fail(aiwf_error *error, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* `count` items of `size` bytes, set to zero; NULL and an error if they are too many. */
void *allocated(size_t count, size_t size, aiwf_error *error);

char *copied(const char *text, aiwf_error *error);

#endif
