#include "seal.h"

#include <stdlib.h>
#include <string.h>

#define MOST_SEAL 10000000
#define MOST_FILES 10000

const char *seal_digest(const seal *of, const char *name) {
    for (int k = 0; k < of->count; k++) {
        if (strcmp(of->names[k], name) == 0) {
            return of->digests[k];
        }
    }
    return NULL;
}

static int is_digest(const char *text) {
    for (int k = 0; k < DIGEST_DIGITS; k++) {
        if (text[k] == 0 || strchr("0123456789abcdef", text[k]) == NULL) {
            return 0;
        }
    }
    return 1;
}

/* Whether `name` is a plain relative path: no empty part, no "." or "..", no control character. */
static int is_inside(const char *name) {
    const char *part = name;
    if (*name == 0) {
        return 0;
    }
    for (const char *at = name;; at++) {
        if (*at == '/' || *at == 0) {
            const size_t length = (size_t)(at - part);
            if (length == 0 || (length == 1 && part[0] == '.') ||
                (length == 2 && part[0] == '.' && part[1] == '.')) {
                return 0;
            }
            part = at + 1;
        }
        if (*at == 0) {
            return 1;
        }
        if (*at == '\\' || (unsigned char)*at < ' ' || *at == 127) {
            return 0;
        }
    }
}

/* The last line, which has the digest of all before; its beginning, or NULL if it is wrong. */
static char *body_end(char *text, size_t size) {
    char digest[DIGEST_DIGITS + 1];
    const size_t last = DIGEST_DIGITS + 3; /* "# ", the digest, a line feed */
    if (size < last || text[size - 1] != '\n' || strncmp(text + size - last, "# ", 2) != 0) {
        return NULL;
    }
    char *end = text + size - last;
    sha256_of(text, (size_t)(end - text), digest);
    return memcmp(end + 2, digest, DIGEST_DIGITS) == 0 ? end : NULL;
}

static int read_lines(seal *found, char *end, aiwf_error *error) {
    for (char *line = found->text; line < end;) {
        char *stop = memchr(line, '\n', (size_t)(end - line));
        if (stop == NULL || stop - line < DIGEST_DIGITS + 3 ||
            memchr(line, 0, (size_t)(stop - line)) || !is_digest(line) ||
            strncmp(line + DIGEST_DIGITS, "  ", 2) != 0) {
            return fail(error, AIWF_DAMAGED, SEAL ", line %d, is no digest with a name. " AGAIN,
                        found->count + 1);
        }
        *stop = 0;
        const char *name = line + DIGEST_DIGITS + 2;
        if (!is_inside(name)) {
            return fail(error, AIWF_DAMAGED,
                        SEAL
                        " names %.200s, which is no plain name of a file in the package. " AGAIN,
                        name);
        }
        if (seal_digest(found, name) != NULL) {
            return fail(error, AIWF_DAMAGED, SEAL " names %.200s twice. " AGAIN, name);
        }
        found->names[found->count] = name;
        found->digests[found->count++] = line;
        line = stop + 1;
    }
    return AIWF_OK;
}

int seal_parse(const char *data, size_t size, seal *found, aiwf_error *error) {
    size_t lines = 0;
    memset(found, 0, sizeof *found);
    for (size_t at = 0; at < size; at++) {
        lines += data[at] == '\n';
    }
    if (size > MOST_SEAL || lines > MOST_FILES) {
        return fail(error, AIWF_DAMAGED, SEAL " lists more than %d files. " AGAIN, MOST_FILES);
    }
    found->text = allocated(size + 1, 1, error);
    found->names = allocated(lines + 1, sizeof *found->names, error);
    found->digests = allocated(lines + 1, sizeof *found->digests, error);
    int code = AIWF_NO_MEMORY;
    if (found->text != NULL && found->names != NULL && found->digests != NULL) {
        memcpy(found->text, data, size);
        char *end = body_end(found->text, size);
        code = end != NULL ? read_lines(found, end, error)
                           : fail(error, AIWF_DAMAGED,
                                  SEAL " in the package is not what was packed. " AGAIN);
    }
    if (code != AIWF_OK) {
        seal_free(found);
    }
    return code;
}

int seal_read(const char *folder, seal *found, aiwf_error *error) {
    file_bytes bytes;
    aiwf_error why;
    memset(found, 0, sizeof *found);
    if (file_read(folder, SEAL, MOST_SEAL, 1, AIWF_DAMAGED, &bytes, &why) != AIWF_OK) {
        return fail(error, AIWF_DAMAGED, "There is no package in %.200s: %s", folder, why.message);
    }
    const int code = seal_parse((const char *)bytes.data, bytes.size, found, error);
    free(bytes.data);
    return code;
}

static int changed(const char *name, aiwf_error *error) {
    return fail(error, AIWF_DAMAGED, "%.200s in the package is not what was packed. " AGAIN, name);
}

int seal_check(const seal *of, int place, const char *folder, aiwf_error *error) {
    char digest[DIGEST_DIGITS + 1];
    const int code = file_digest(folder, of->names[place], digest, error);
    if (code == AIWF_OK && memcmp(digest, of->digests[place], DIGEST_DIGITS) != 0) {
        return changed(of->names[place], error);
    }
    return code;
}

int seal_open(const seal *of, const char *folder, const char *name, file_bytes *bytes,
              aiwf_error *error) {
    char digest[DIGEST_DIGITS + 1];
    const char *wanted = seal_digest(of, name);
    if (wanted == NULL) {
        return fail(error, AIWF_DAMAGED, "%.200s is not sealed. " AGAIN, name);
    }
    const int code = file_read(folder, name, MOST_FILE_BYTES, 1, AIWF_DAMAGED, bytes, error);
    if (code != AIWF_OK) {
        return code;
    }
    sha256_of(bytes->data, bytes->size, digest);
    if (memcmp(digest, wanted, DIGEST_DIGITS) == 0) {
        return AIWF_OK;
    }
    free(bytes->data);
    bytes->data = NULL;
    return changed(name, error);
}

void seal_free(seal *of) {
    free(of->text);
    free((void *)of->names);
    free((void *)of->digests);
    memset(of, 0, sizeof *of);
}
