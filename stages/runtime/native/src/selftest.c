/* The selftest: whether a package answers its golden samples as where it was made. */
#include "golden.h"
#include "processor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GOLDEN "golden/expected.json"
#define MOST_CASES 10000
#define MOST_NAME 80 /* bytes of the name of a file of golden answers */

static int compare_case(aiwf_predictor *predictor, const char *folder, const json *item,
                        aiwf_selftest_report *report, aiwf_error *error) {
    const char *name = json_text(json_item(item, "file"), "");
    const json *expected = json_item(item, "expected");
    file_bytes sample;
    int agrees = 0;
    int code = seal_open(&predictor->package.sealed, folder, name, &sample, error);
    if (code != AIWF_OK) {
        return code;
    }
    code = predictor->package.answers == ANSWERS_BOXES
               ? compare_boxes(predictor, &sample, expected, &report->furthest, &agrees, error)
               : compare_labels(predictor, &sample, expected, &report->furthest, &agrees, error);
    free(sample.data);
    report->samples++;
    report->agreeing += agrees;
    if (code == AIWF_BAD_SAMPLE) { /* it could be decoded where the package was made */
        aiwf_error why = *error;
        return fail(error, AIWF_DISAGREES, "%.100s cannot be decoded here. %.300s", name,
                    why.message);
    }
    return code;
}

/* The file of golden answers of the network that runs here: as golden_file in
   runtime/selftest.py. */
static void golden_file(const struct package *package, char name[MOST_NAME]) {
    if (package->further) {
        snprintf(name, MOST_NAME, "golden/expected-%.40s.json", package->numeric);
    } else {
        snprintf(name, MOST_NAME, "%s", GOLDEN);
    }
}

static int compare_cases(aiwf_predictor *predictor, const char *folder, const json *golden,
                         aiwf_selftest_report *report, aiwf_error *error) {
    const json *cases = json_item(golden, "cases");
    int code = json_number(golden, "tolerance", 0, 1, &report->tolerance, error);
    if (code != AIWF_OK) {
        return code;
    }
    if (cases == NULL || cases->type != JSON_LIST || cases->count < 1 ||
        cases->count > MOST_CASES) {
        return fail(error, AIWF_DAMAGED, GOLDEN ": 'cases' has to be a list. " AGAIN);
    }
    for (const json *item = cases->first; item != NULL && code == AIWF_OK; item = item->next) {
        code = compare_case(predictor, folder, item, report, error);
    }
    if (code == AIWF_OK &&
        (report->agreeing < report->samples || !(report->furthest <= report->tolerance))) {
        return fail(error, AIWF_DISAGREES,
                    "%d of %d golden samples keep their answer; the furthest number is %.5f away, "
                    "%.5f is allowed. This machine's engine, decoder or processor computes "
                    "differently: do not use this package here.",
                    report->agreeing, report->samples, report->furthest, report->tolerance);
    }
    return code;
}

int aiwf_selftest(const char *folder, const aiwf_options *options, aiwf_selftest_report *report,
                  aiwf_error *error) {
    aiwf_options opened = options == NULL ? aiwf_default_options() : *options;
    aiwf_error ignored;
    aiwf_predictor *predictor = NULL;
    json_document golden;
    file_bytes bytes;
    char name[MOST_NAME];
    error = error == NULL ? &ignored : error;
    if (folder == NULL || report == NULL) {
        return fail(error, AIWF_BAD_ARGUMENT, "aiwf_selftest needs a folder and a report.");
    }
    memset(report, 0, sizeof *report);
    strncpy(report->processor, processor_kind(), sizeof report->processor - 1);
    opened.untested = 1;
    int code = aiwf_open(folder, &opened, &predictor, error);
    if (code == AIWF_OK) {
        code = package_verified(&predictor->package, folder, &report->verified, error);
    }
    if (code == AIWF_OK) {
        golden_file(&predictor->package, name);
        code = seal_open(&predictor->package.sealed, folder, name, &bytes, error);
    }
    if (code != AIWF_OK) {
        aiwf_close(predictor);
        return code;
    }
    code = json_parse((const char *)bytes.data, bytes.size, name, &golden, error);
    if (code == AIWF_OK) {
        code = compare_cases(predictor, folder, golden.root, report, error);
        json_free(&golden);
    }
    free(bytes.data);
    aiwf_close(predictor);
    return code;
}
