#include "package.h"
#include "processor.h"

#include <stdlib.h>
#include <string.h>

#define DESCRIPTION "package.json"
#define PROCESSORS "instruction_sets.json"
#define SEVERAL_FORMAT 2 /* of packages of several networks */
#define USUAL_THRESHOLD 0.5 /* of boxes */
#define NONE_IS_SURE 2.0

/* Whether `text`, in UTF-8, is not empty and has no control characters, which a terminal would
   obey: below U+0020, and from U+007F to U+009F. */
static int is_line(const char *text) {
    for (const unsigned char *at = (const unsigned char *)text; *at; at++) {
        if (*at < ' ' || *at == 0x7F || (*at == 0xC2 && at[1] < 0xA0)) {
            return 0;
        }
    }
    return *text != 0;
}

static int read_labels(struct package *package, aiwf_error *error) {
    const json *labels = json_item(package->description.root, "labels");
    if (labels == NULL || labels->type != JSON_LIST || labels->count < 1 ||
        labels->count > MOST_LABELS) {
        return fail(error, AIWF_DAMAGED, DESCRIPTION ": 'labels' has to be 1 to %d texts. " AGAIN,
                    MOST_LABELS);
    }
    package->labels = allocated((size_t)labels->count, sizeof *package->labels, error);
    if (package->labels == NULL) {
        return AIWF_NO_MEMORY;
    }
    for (const json *label = labels->first; label != NULL; label = label->next) {
        if (label->type != JSON_TEXT || !is_line(label->text)) {
            return fail(error, AIWF_DAMAGED, DESCRIPTION ": a label is no line of text. " AGAIN);
        }
        package->labels[package->label_count++] = label->text;
    }
    return AIWF_OK;
}

static int read_texts(struct package *package, aiwf_error *error) {
    const struct {
        const char *key, **to;
    } texts[] = {{"name", &package->name},       {"task", &package->task},
                 {"backend", &package->backend}, {"format", &package->format},
                 {"model", &package->model},     {"numeric", &package->numeric}};
    for (size_t k = 0; k < sizeof texts / sizeof *texts; k++) {
        *texts[k].to = json_text(json_item(package->description.root, texts[k].key), NULL);
        if (*texts[k].to == NULL) {
            return fail(error, AIWF_DAMAGED, DESCRIPTION ": '%s' has to be a text. " AGAIN,
                        texts[k].key);
        }
    }
    if (*package->model == 0 || *package->model == '.' || strpbrk(package->model, "/\\:") != NULL) {
        return fail(error, AIWF_DAMAGED,
                    DESCRIPTION ": 'model' has to be a file in the package's own folder. " AGAIN);
    }
    return AIWF_OK;
}

static int read_steps(struct package *package, aiwf_error *error) {
    const json *root = package->description.root;
    const json *before = json_item(root, "before");
    enum kind last;
    int code = steps_parse(before, "before", KIND_BYTES, &package->before, &last, error);
    if (code == AIWF_OK && last != KIND_WINDOWS) {
        code = fail(error, AIWF_DAMAGED, DESCRIPTION ": 'before' ends with no input. " AGAIN);
    }
    if (code != AIWF_OK) {
        return code;
    }
    package->sounds = strcmp(package->before.items[0].kind->name, "decode_sound") == 0;
    code =
        steps_parse(json_item(root, "after"), "after", KIND_OUTPUTS, &package->after, &last, error);
    if (code != AIWF_OK) {
        return code;
    }
    const char *answers = json_text(json_item(root, "answers"), "labels");
    package->answers = strcmp(answers, "boxes") == 0 ? ANSWERS_BOXES : ANSWERS_LABELS;
    if (package->answers == ANSWERS_LABELS && strcmp(answers, "labels") != 0) {
        return fail(error, AIWF_UNSUPPORTED,
                    "The package answers '%.50s', which this library does "
                    "not have. Use the package's own Python code, or a newer library.",
                    answers);
    }
    if ((package->answers == ANSWERS_BOXES) != (last == KIND_BOXES) ||
        (package->answers == ANSWERS_LABELS && last == KIND_CANDIDATES)) {
        return fail(error, AIWF_DAMAGED, DESCRIPTION ": 'after' ends with no answer. " AGAIN);
    }
    return AIWF_OK;
}

static int read_rules(struct package *package, aiwf_error *error) {
    const json *root = package->description.root;
    const json *threshold = json_item(root, "threshold"), *sure = json_item(root, "sure_from");
    package->threshold = package->answers == ANSWERS_BOXES ? USUAL_THRESHOLD : 0;
    package->measured = sure != NULL;
    package->sure_from = NONE_IS_SURE;
    package->other = -1;
    int code = AIWF_OK;
    if (package->answers == ANSWERS_BOXES && threshold != NULL && threshold->type != JSON_NULL) {
        code = json_number(root, "threshold", 0, 1, &package->threshold, error);
    }
    if (code == AIWF_OK && sure != NULL && sure->type != JSON_NULL) {
        code = json_number(root, "sure_from", 0, 1, &package->sure_from, error);
    }
    for (int k = 0; code == AIWF_OK && k < package->after.count; k++) {
        const struct step *step = &package->after.items[k];
        if (strcmp(step->kind->name, "reject") == 0) {
            package->other = step->whole[0];
            if (package->other >= package->label_count) {
                code = fail(error, AIWF_DAMAGED,
                            DESCRIPTION ": 'reject' names label number %d, and "
                                        "there are %d. " AGAIN,
                            package->other, package->label_count);
            }
        }
    }
    return code;
}

/* Refuse what newer libraries and the package's Python can read. */
static int check_format(const struct package *package, aiwf_error *error) {
    const json *root = package->description.root;
    const int several = json_item(root, "by_processor") != NULL;
    const int newest = several ? SEVERAL_FORMAT : 1;
    double format = newest;
    if (json_item(root, "classify") != NULL) {
        return fail(error, AIWF_UNSUPPORTED,
                    "The package is a chain of two networks, which this library does not run. Use "
                    "its Python: python -m %.100s_sdk FILE, in the package's folder.",
                    json_text(json_item(root, "name"), "NAME"));
    }
    const int code = json_number(root, "package_format", 1, 1e6, &format, error);
    if (code == AIWF_OK && format > newest) {
        return fail(error, AIWF_UNSUPPORTED,
                    "The package is of format %.0f, and this library reads %d. Use a newer "
                    "library.",
                    format, newest);
    }
    return code;
}

int package_parse(const char *data, size_t size, struct package *package, aiwf_error *error) {
    int code = json_parse(data, size, DESCRIPTION, &package->description, error);
    if (code == AIWF_OK) {
        code = check_format(package, error);
    }
    if (code == AIWF_OK) {
        code = read_texts(package, error);
    }
    if (code == AIWF_OK) {
        code = choose_network(package, processor_kind(), error);
    }
    if (code == AIWF_OK) {
        code = read_labels(package, error);
    }
    if (code == AIWF_OK) {
        code = read_steps(package, error);
    }
    return code != AIWF_OK ? code : read_rules(package, error);
}

/* Whether `name` is the model's file, or has its name with another ending, as the parts of a
   network have; in the same folder. */
static int is_of_network(const char *name, const char *model) {
    const char *dot = strrchr(model, '.');
    const size_t stem = dot == NULL ? strlen(model) : (size_t)(dot - model);
    return strncmp(name, model, stem) == 0 && name[stem] == '.' &&
           strchr(name + stem, '/') == NULL;
}

static int open_file(struct package *package, const char *folder, const char *name,
                     aiwf_error *error) {
    file_bytes bytes;
    const int code = seal_open(&package->sealed, folder, name, &bytes, error);
    if (code == AIWF_OK) {
        package->files[package->file_count++] = (aiwf_network_file){name, bytes.data, bytes.size};
    }
    return code;
}

/* Check every file of the package; those of the network are read once and stay in memory. */
static int open_files(struct package *package, const char *folder, aiwf_error *error) {
    const seal *sealed = &package->sealed;
    for (int k = 0; k < sealed->count; k++) {
        const int wanted = is_of_network(sealed->names[k], package->model) &&
                           package->file_count < MOST_NETWORK_FILES;
        const int code = wanted ? open_file(package, folder, sealed->names[k], error)
                                : seal_check(sealed, k, folder, error);
        if (code != AIWF_OK) {
            return code;
        }
    }
    for (int k = 0; k < package->file_count; k++) {
        if (strcmp(package->files[k].name, package->model) == 0) {
            return AIWF_OK;
        }
    }
    return fail(error, AIWF_DAMAGED, "The network %.100s is not sealed. " AGAIN, package->model);
}

int package_verified(const struct package *package, const char *folder, int *verified,
                     aiwf_error *error) {
    json_document document;
    file_bytes bytes;
    *verified = 1;
    if (seal_digest(&package->sealed, PROCESSORS) == NULL) { /* the package is still being made */
        return AIWF_OK;
    }
    int code = seal_open(&package->sealed, folder, PROCESSORS, &bytes, error);
    if (code != AIWF_OK) {
        return code;
    }
    code = json_parse((const char *)bytes.data, bytes.size, PROCESSORS, &document, error);
    if (code == AIWF_OK) {
        const json *sets = json_item(document.root, "instruction_sets");
        const json *here = json_item(sets, processor_kind());
        here = here != NULL ? here : json_item(document.root, "others");
        *verified = *json_text(json_item(here, "statement"), "") != 0;
        json_free(&document);
    }
    free(bytes.data);
    return code;
}

static int check_processor(const struct package *package, const char *folder, aiwf_error *error) {
    int verified;
    const int code = package_verified(package, folder, &verified, error);
    if (code == AIWF_OK && !verified) {
        return fail(error, AIWF_UNTESTED_PROCESSOR,
                    "This package was not verified for processors of the kind %s, as this is: its "
                    "answers may be wrong here. Make it again in float32, or open it as untested.",
                    processor_kind());
    }
    return code;
}

int package_open(const char *folder, int untested, struct package *package, aiwf_error *error) {
    file_bytes bytes;
    int code = seal_read(folder, &package->sealed, error);
    if (code == AIWF_OK) {
        code = seal_open(&package->sealed, folder, DESCRIPTION, &bytes, error);
    }
    if (code != AIWF_OK) {
        return code;
    }
    code = package_parse((const char *)bytes.data, bytes.size, package, error);
    free(bytes.data);
    if (code == AIWF_OK) {
        code = open_files(package, folder, error);
    }
    return code != AIWF_OK || untested ? code : check_processor(package, folder, error);
}

void package_free_files(struct package *package) {
    for (int k = 0; k < package->file_count; k++) {
        free((void *)package->files[k].data);
    }
    package->file_count = 0;
}

void package_free(struct package *package) {
    package_free_files(package);
    steps_free(&package->before);
    steps_free(&package->after);
    free((void *)package->labels);
    json_free(&package->description);
    seal_free(&package->sealed);
    memset(package, 0, sizeof *package);
}
