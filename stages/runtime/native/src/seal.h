/* A package's seal: SHA256SUMS lists the digest of every file, and ends with its own. */
#ifndef AIWF_SEAL_H
#define AIWF_SEAL_H

#include "files.h"

#define SEAL "SHA256SUMS"
#define MOST_FILE_BYTES ((size_t)1000000000)

typedef struct seal {
    char *text; /* the content of SHA256SUMS, with a zero byte behind each name */
    const char **names;
    const char **digests; /* of DIGEST_DIGITS digits, without a zero byte */
    int count;
} seal;

/* Read the seal of the package in `folder`, without checking the files. Free with seal_free. */
int seal_read(const char *folder, seal *found, aiwf_error *error);
/* As seal_read, of the `size` bytes of `data`. */
int seal_parse(const char *data, size_t size, seal *found, aiwf_error *error);
/* The digest of the file `name`; NULL if it is not sealed. */
const char *seal_digest(const seal *of, const char *name);
/* Check file number `place` in `folder` against the seal, without keeping it in memory. */
int seal_check(const seal *of, int place, const char *folder, aiwf_error *error);
/* Read the file `name` in `folder`, which has to be the sealed content. */
int seal_open(const seal *of, const char *folder, const char *name, file_bytes *bytes,
              aiwf_error *error);
void seal_free(seal *of);

#endif
