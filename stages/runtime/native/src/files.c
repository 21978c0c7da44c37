#define _POSIX_C_SOURCE 200809L
#include "files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CHUNK 65536
#define MOST_PATH 4096

/* The descriptor of a regular file, or -1 with an error. */
static int opened(const char *folder, const char *name, int straight, int code, off_t *size,
                  aiwf_error *error) {
    char path[MOST_PATH];
    struct stat status;
    const int length = *folder ? snprintf(path, sizeof path, "%s/%s", folder, name)
                               : snprintf(path, sizeof path, "%s", name);
    if (length < 0 || length >= MOST_PATH) {
        fail(error, code, "The path of %.200s is too long. Use a shorter one.", name);
        return -1;
    }
    const int flags = O_RDONLY | O_NONBLOCK | O_CLOEXEC | (straight ? O_NOFOLLOW : 0);
    const int file = open(path, flags);
    if (file < 0) {
        fail(error, code, "%.300s cannot be read: %s. Check the path.", name, strerror(errno));
        return -1;
    }
    if (fstat(file, &status) != 0 || !S_ISREG(status.st_mode)) {
        close(file);
        fail(error, code, "%.300s is not a plain file. Check the path.", name);
        return -1;
    }
    *size = status.st_size;
    return file;
}

static ssize_t part(int file, void *data, size_t size) {
    ssize_t count;
    do {
        count = read(file, data, size);
    } while (count < 0 && errno == EINTR);
    return count;
}

int file_read(const char *folder, const char *name, size_t most, int straight, int code,
              file_bytes *bytes, aiwf_error *error) {
    off_t size = 0;
    const int file = opened(folder, name, straight, code, &size, error);
    if (file < 0) {
        return code;
    }
    if (size < 0 || (uintmax_t)size > most) {
        close(file);
        return fail(error, code, "%.300s has more than %zu bytes.", name, most);
    }
    bytes->size = 0;
    bytes->data = allocated((size_t)size + 1, 1, error);
    while (bytes->data != NULL && bytes->size < (size_t)size) {
        const ssize_t count = part(file, bytes->data + bytes->size, (size_t)size - bytes->size);
        if (count <= 0) {
            break;
        }
        bytes->size += (size_t)count;
    }
    close(file);
    if (bytes->data == NULL) {
        return AIWF_NO_MEMORY;
    }
    if (bytes->size < (size_t)size) {
        free(bytes->data);
        bytes->data = NULL;
        return fail(error, code, "%.300s cannot be read to its end. Copy it again.", name);
    }
    return AIWF_OK;
}

int file_digest(const char *folder, const char *name, char digest[DIGEST_DIGITS + 1],
                aiwf_error *error) {
    off_t size = 0;
    sha256 hash;
    ssize_t count;
    const int file = opened(folder, name, 1, AIWF_DAMAGED, &size, error);
    if (file < 0) {
        return AIWF_DAMAGED;
    }
    uint8_t *chunk = allocated(CHUNK, 1, error);
    if (chunk == NULL) {
        close(file);
        return AIWF_NO_MEMORY;
    }
    sha256_begin(&hash);
    while ((count = part(file, chunk, CHUNK)) > 0) {
        sha256_add(&hash, chunk, (size_t)count);
    }
    sha256_end(&hash, digest);
    free(chunk);
    close(file);
    if (count < 0) {
        return fail(error, AIWF_DAMAGED, "%.300s cannot be read: %s. " AGAIN, name,
                    strerror(errno));
    }
    return AIWF_OK;
}
