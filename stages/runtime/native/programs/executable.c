/* NAME FILE...: what the package inside this program answers to each file, as JSON. */
#include "embedded.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_ADDED 3

int predict_main(int count, char **words); /* main of aiwf_predict.c */

/* The place of the first word that is a file. --top and --threads have a value. */
static int first_file(int count, char **words) {
    int at = 1;
    while (at < count && strncmp(words[at], "--", 2) == 0) {
        at += strcmp(words[at], "--top") == 0 || strcmp(words[at], "--threads") == 0 ? 2 : 1;
    }
    return at < count ? at : count;
}

int main(int count, char **words) {
    const int first = first_file(count, words);
    const int is_test = count == 2 && strcmp(words[1], "--selftest") == 0;
    if (first == count && !is_test && !(count == 2 && strcmp(words[1], "--version") == 0)) {
        fprintf(stderr,
                "%s [--top N] FILE...   what the model inside answers to each file, as JSON\n"
                "%s --selftest          does it answer here as where it was made?\n",
                words[0], words[0]);
        return 1;
    }
    char **passed = calloc((size_t)count + MOST_ADDED + 1, sizeof *passed);
    if (passed == NULL) {
        return 8;
    }
    int at = 0;
    passed[at++] = words[0];
    if (first < count) {
        passed[at++] = "--json";
    }
    for (int k = 1; k < first; k++) {
        passed[at++] = words[k];
    }
    if (first < count || is_test) {
        passed[at++] = EMBEDDED_FOLDER;
    }
    for (int k = first; k < count; k++) {
        passed[at++] = words[k];
    }
    const int code = predict_main(at, passed);
    free(passed);
    return code;
}
