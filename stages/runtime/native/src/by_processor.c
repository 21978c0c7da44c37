/* Packages of several networks, of which the processor decides: by_processor of package.json, as
   for_processor in runtime/description.py reads it. */
#include "package.h"

#include <string.h>

#define MOST_NETWORKS 8
#define MOST_NUMERIC 40 /* letters of a number format's name */
#define PLACE "package.json: 'by_processor' "

/* The number format and the model of a network of by_processor, whose name becomes a part of a
   path; 0 unless it has both, and a list of instruction sets. */
static int read_network(const json *network, const char **numeric, const char **model) {
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";
    const json *sets = json_item(network, "instruction_sets");
    *numeric = json_text(json_item(network, "numeric"), "");
    *model = json_text(json_item(network, "model"), "");
    const size_t length = strlen(*numeric);
    return length > 0 && length <= MOST_NUMERIC && strspn(*numeric, letters) == length &&
           **model != 0 && sets != NULL && sets->type == JSON_LIST;
}

static int names(const json *network, const char *processor) {
    const json *name = json_item(network, "instruction_sets")->first;
    for (; name != NULL; name = name->next) {
        if (strcmp(json_text(name, ""), processor) == 0) {
            return 1;
        }
    }
    return 0;
}

int choose_network(struct package *package, const char *processor, aiwf_error *error) {
    const json *networks = json_item(package->description.root, "by_processor");
    const char *numeric, *model, *chosen_numeric = NULL, *chosen_model = NULL;
    if (networks == NULL) {
        return AIWF_OK;
    }
    if (networks->type != JSON_LIST || networks->count < 2 || networks->count > MOST_NETWORKS) {
        return fail(error, AIWF_DAMAGED, PLACE "has to be 2 to %d networks. " AGAIN, MOST_NETWORKS);
    }
    for (const json *network = networks->first; network != NULL; network = network->next) {
        const int first = network == networks->first;
        if (!read_network(network, &numeric, &model) ||
            (first && (strcmp(numeric, package->numeric) != 0 ||
                       strcmp(model, package->model) != 0))) {
            return fail(error, AIWF_DAMAGED,
                        PLACE "has a network without number format, model or instruction sets, "
                              "or does not begin with the package's own. " AGAIN);
        }
        if (chosen_model == NULL && (names(network, processor) || network->next == NULL)) {
            chosen_numeric = numeric;
            chosen_model = model;
            package->further = !first;
        }
    }
    package->numeric = chosen_numeric;
    package->model = chosen_model;
    return AIWF_OK;
}
