/* Reads regular files whole, within a bound. */
#ifndef AIWF_FILES_H
#define AIWF_FILES_H

#include "sha256.h"
#include "fault.h"

typedef struct file_bytes {
    uint8_t *data; /* followed by a zero byte */
    size_t size;
} file_bytes;

/* Read the file `name` in `folder` ("" for none) of at most `most` bytes. A pipe is not waited for.
   `straight`: not through a link. Errors are of `code`. Free `bytes->data`. */
int file_read(const char *folder, const char *name, size_t most, int straight, int code,
              file_bytes *bytes, aiwf_error *error);
/* Write the digest of the file `name` in `folder`, without keeping it in memory. */
int file_digest(const char *folder, const char *name, char digest[DIGEST_DIGITS + 1],
                aiwf_error *error);

#endif
