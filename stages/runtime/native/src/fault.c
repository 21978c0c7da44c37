#include "fault.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int fail(aiwf_error *error, int code, const char *format, ...) {
    if (error != NULL) {
        va_list arguments;
        va_start(arguments, format);
        error->code = code;
        vsnprintf(error->message, sizeof error->message, format, arguments);
        va_end(arguments);
        for (char *at = error->message; *at; at++) { /* names in it come from others */
            *at = (unsigned char)*at < ' ' || *at == 127 ? '?' : *at;
        }
    }
    return code;
}

void *allocated(size_t count, size_t size, aiwf_error *error) {
    void *memory = NULL;
    if (size != 0 && count <= MOST_ALLOCATION / size) {
        memory = calloc(count ? count : 1, size);
    }
    if (memory == NULL) {
        fail(error, AIWF_NO_MEMORY, "There is no memory for %zu x %zu bytes. Use a smaller sample.",
             count, size);
    }
    return memory;
}

char *copied(const char *text, aiwf_error *error) {
    const size_t size = strlen(text) + 1;
    char *copy = allocated(size, 1, error);
    return copy == NULL ? NULL : memcpy(copy, text, size);
}
