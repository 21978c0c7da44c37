/* A package as it lies on the disk: seal, description, network files. */
#ifndef AIWF_PACKAGE_H
#define AIWF_PACKAGE_H

#include "aiwf_engine.h"
#include "seal.h"
#include "steps.h"

#define MOST_LABELS 100000
#define MOST_NETWORK_FILES 8

enum answers { ANSWERS_LABELS, ANSWERS_BOXES };

struct package {
    json_document description; /* owns the texts below */
    const char *name, *task, *backend, *format;
    const char *model, *numeric; /* of the network for this processor */
    int further;                 /* whether that is another than the first of several */
    const char **labels;
    int label_count;
    enum answers answers;
    int sounds; /* whether its samples are sounds */
    struct steps before, after;
    double threshold;
    int measured;     /* whether answers are sure or not */
    double sure_from; /* above 1: no answer is sure */
    int other;        /* the label "none of these", which is never sure; -1 without */
    seal sealed;
    aiwf_network_file files[MOST_NETWORK_FILES];
    int file_count;
};

/* Open the package in `folder` and check every file of it; without `untested`, also that it was
   verified for this kind of processor. Free with package_free. */
int package_open(const char *folder, int untested, struct package *package, aiwf_error *error);
/* As package_open, but only of the `size` bytes of a package.json. */
int package_parse(const char *data, size_t size, struct package *package, aiwf_error *error);
/* Of several networks choose the first that names `processor`, or the last. */
int choose_network(struct package *package, const char *processor, aiwf_error *error);
/* Whether the package states something for processors of this kind. */
int package_verified(const struct package *package, const char *folder, int *verified,
                     aiwf_error *error);
void package_free_files(struct package *package);
void package_free(struct package *package);

#endif
