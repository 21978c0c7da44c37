/* SHA-256 (FIPS 180-4). */
#ifndef AIWF_SHA256_H
#define AIWF_SHA256_H

#include <stddef.h>
#include <stdint.h>

#include "names.h"

#define DIGEST_DIGITS 64

typedef struct sha256 {
    uint32_t state[8];
    uint64_t size;
    uint8_t block[64];
} sha256;

void sha256_begin(sha256 *hash);
void sha256_add(sha256 *hash, const void *data, size_t size);
/* The digest as hexadecimal digits, with a zero byte behind. */
void sha256_end(sha256 *hash, char digest[DIGEST_DIGITS + 1]);
/* The same of `size` bytes at once. */
void sha256_of(const void *data, size_t size, char digest[DIGEST_DIGITS + 1]);

#endif
