/* aiwf_predict FOLDER FILE...: what the package in FOLDER answers to each file. */
#include "aiwf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define USAGE                                                                                      \
    "aiwf_predict [options] FOLDER FILE...   answer files with the package in FOLDER\n"            \
    "aiwf_predict [options] --selftest FOLDER  is it complete, does it answer correctly?\n\n"      \
    "  --json            an object on each line\n"                                                 \
    "  --top N           so many of each answer, the best; 0 for all\n"                            \
    "  --threads N       of the engine\n"                                                          \
    "  --engines FOLDER  where the engine plug-ins lie\n"                                          \
    "  --library FILE    the engine's own shared library\n"                                        \
    "  --untested        also on a processor that the package was not verified for\n"              \
    "  --version\n"

struct arguments {
    aiwf_options options;
    const char *folder;
    int json, selftest, top, first; /* first: place of the first file */
};

/* The value of option number *at, or NULL. */
static const char *value_of(int count, char **words, int *at) {
    return *at + 1 < count ? words[++*at] : NULL;
}

static int read_arguments(int count, char **words, struct arguments *found) {
    int at = 1;
    found->options = aiwf_default_options();
    found->top = -1;
    for (; at < count && strncmp(words[at], "--", 2) == 0; at++) {
        const char *name = words[at];
        if (strcmp(name, "--json") == 0) {
            found->json = 1;
        } else if (strcmp(name, "--selftest") == 0) {
            found->selftest = 1;
        } else if (strcmp(name, "--untested") == 0) {
            found->options.untested = 1;
        } else {
            const char *value = value_of(count, words, &at);
            if (value == NULL) {
                return 0;
            }
            if (strcmp(name, "--top") == 0) {
                found->top = atoi(value);
            } else if (strcmp(name, "--threads") == 0) {
                found->options.threads = atoi(value);
            } else if (strcmp(name, "--engines") == 0) {
                found->options.engines = value;
            } else if (strcmp(name, "--library") == 0) {
                found->options.library = value;
            } else {
                return 0;
            }
        }
    }
    found->folder = at < count ? words[at] : NULL;
    found->first = at + 1;
    return found->folder != NULL && (found->selftest || found->first < count);
}

/* `text` as a JSON string, with what a terminal could obey escaped. */
static void print_text(const char *text) {
    putchar('"');
    for (; *text; text++) {
        const unsigned char byte = (unsigned char)*text;
        if (byte == '"' || byte == '\\') {
            printf("\\%c", byte);
        } else if (byte < ' ' || byte == 127) {
            printf("\\u%04x", byte);
        } else {
            putchar(byte);
        }
    }
    putchar('"');
}

static const char *sure_word(int sure) {
    return sure < 0 ? "null" : sure ? "true" : "false";
}

static void print_entry(const aiwf_entry *entry) {
    printf("{\"label\": ");
    print_text(entry->label);
    printf(", \"score\": %.6g, \"sure\": %s", entry->score, sure_word(entry->sure));
    if (entry->has_box) {
        printf(", \"box\": [%.2f, %.2f, %.2f, %.2f]", entry->left, entry->top, entry->right,
               entry->bottom);
    }
    printf("}");
}

static void print_json(const char *file, const aiwf_result *result, int count, int boxes) {
    aiwf_entry entry;
    aiwf_window window;
    printf("{\"file\": ");
    print_text(file);
    printf(", \"%s\": [", boxes ? "boxes" : "labels");
    for (int k = 0; k < count && aiwf_result_entry(result, k, &entry) == AIWF_OK; k++) {
        printf("%s", k ? ", " : "");
        print_entry(&entry);
    }
    printf("]");
    if (!boxes && aiwf_result_entry(result, 0, &entry) == AIWF_OK) {
        printf(", \"sure\": %s", sure_word(entry.sure));
    }
    for (int k = 0; aiwf_result_window(result, k, &window) == AIWF_OK; k++) {
        printf("%s{\"start\": %.2f, \"end\": %.2f, \"label\": ", k ? ", " : ", \"windows\": [",
               window.start, window.end);
        print_text(window.label);
        printf(", \"score\": %.6g}", window.score);
    }
    printf("%s}\n", aiwf_result_window_count(result) ? "]" : "");
}

static void print_line(const char *file, const aiwf_result *result, int count) {
    aiwf_entry entry;
    printf("%s: %s", file, count ? "" : "nothing");
    for (int k = 0; k < count && aiwf_result_entry(result, k, &entry) == AIWF_OK; k++) {
        printf("%s%s %.3f", k ? ", " : "", entry.label, entry.score);
        if (entry.sure >= 0 && (k == 0 || entry.has_box)) {
            printf(entry.sure ? " (sure)" : " (not sure)");
        }
        if (entry.has_box) {
            printf(" (%.0f, %.0f, %.0f, %.0f)", entry.left, entry.top, entry.right, entry.bottom);
        }
    }
    printf("\n");
}

static void print_problem(const char *file, const aiwf_error *error, int json) {
    if (json) {
        printf("{\"file\": ");
        print_text(file);
        printf(", \"problem\": ");
        print_text(error->message);
        printf("}\n");
    } else {
        fprintf(stderr, "%s: %s\n", file, error->message);
    }
}

static int predict(const struct arguments *arguments, int count, char **files) {
    aiwf_predictor *predictor;
    aiwf_error error;
    int worst = aiwf_open(arguments->folder, &arguments->options, &predictor, &error);
    if (worst != AIWF_OK) {
        fprintf(stderr, "%s\n", error.message);
        return worst;
    }
    for (int k = arguments->first; k < count; k++) {
        aiwf_result *result = NULL;
        const int code = aiwf_predict_file(predictor, files[k], &result, &error);
        if (code != AIWF_OK) {
            print_problem(files[k], &error, arguments->json);
            worst = code > worst ? code : worst;
            continue;
        }
        const int boxes = aiwf_answers_boxes(predictor);
        const int all = aiwf_result_count(result), usual = boxes ? 0 : 3;
        const int top = arguments->top < 0 ? usual : arguments->top;
        const int shown = top == 0 || top > all ? all : top;
        if (arguments->json) {
            print_json(files[k], result, shown, boxes);
        } else {
            print_line(files[k], result, shown);
        }
        aiwf_free_result(result);
    }
    aiwf_close(predictor);
    return worst;
}

static int selftest(const struct arguments *arguments) {
    aiwf_selftest_report report;
    aiwf_error error;
    const int code = aiwf_selftest(arguments->folder, &arguments->options, &report, &error);
    if (code != AIWF_OK) {
        fprintf(stderr, "Selftest failed on %s: %s\n", report.processor, error.message);
        return code;
    }
    printf(
        "Selftest passed on %s: %d of %d golden samples keep their answer. The furthest number is "
        "%.5f away from the golden ones, %g is allowed.%s\n",
        report.processor, report.agreeing, report.samples, report.furthest, report.tolerance,
        report.verified ? ""
                        : " The package states nothing for processors of this kind: to answer "
                          "here it needs --untested.");
    return AIWF_OK;
}

int main(int count, char **words) {
    struct arguments arguments = {0};
    if (count == 2 && strcmp(words[1], "--version") == 0) {
        printf("aiwf_predict %s, engine ABI %u, %s\n", aiwf_version(), (unsigned)aiwf_engine_abi(),
               aiwf_processor());
        return 0;
    }
    if (!read_arguments(count, words, &arguments)) {
        fputs(USAGE, stderr);
        return AIWF_BAD_ARGUMENT;
    }
    return arguments.selftest ? selftest(&arguments) : predict(&arguments, count, words);
}
