/* In place of files.c, whose functions are compiled under other names: files of the folder
   EMBEDDED_FOLDER come from the program itself, all others from the disk. */
#include "embedded.h"
#include "files.h"

#include <stdlib.h>
#include <string.h>

int file_read_from_disk(const char *folder, const char *name, size_t most, int straight, int code,
                        file_bytes *bytes, aiwf_error *error);
int file_digest_from_disk(const char *folder, const char *name, char digest[DIGEST_DIGITS + 1],
                          aiwf_error *error);

static const struct embedded_file *found(const char *name) {
    for (int k = 0; k < embedded_count; k++) {
        if (strcmp(embedded_files[k].name, name) == 0) {
            return &embedded_files[k];
        }
    }
    return NULL;
}

int file_read(const char *folder, const char *name, size_t most, int straight, int code,
              file_bytes *bytes, aiwf_error *error) {
    if (strcmp(folder, EMBEDDED_FOLDER) != 0) {
        return file_read_from_disk(folder, name, most, straight, code, bytes, error);
    }
    const struct embedded_file *file = found(name);
    if (file == NULL || (size_t)(file->end - file->begin) > most) {
        return fail(error, code, "%.200s is not in this program, or too large.", name);
    }
    bytes->size = (size_t)(file->end - file->begin);
    bytes->data = allocated(bytes->size + 1, 1, error);
    if (bytes->data == NULL) {
        return AIWF_NO_MEMORY;
    }
    memcpy(bytes->data, file->begin, bytes->size);
    return AIWF_OK;
}

int file_digest(const char *folder, const char *name, char digest[DIGEST_DIGITS + 1],
                aiwf_error *error) {
    if (strcmp(folder, EMBEDDED_FOLDER) != 0) {
        return file_digest_from_disk(folder, name, digest, error);
    }
    const struct embedded_file *file = found(name);
    if (file == NULL) {
        return fail(error, AIWF_DAMAGED, "%.200s is not in this program.", name);
    }
    sha256_of(file->begin, (size_t)(file->end - file->begin), digest);
    return AIWF_OK;
}
