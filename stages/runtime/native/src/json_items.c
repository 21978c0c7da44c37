#include "json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void json_free(json_document *document) {
    free(document->values);
    free(document->texts);
    memset(document, 0, sizeof *document);
}

const json *json_item(const json *table, const char *key) {
    const json *found = NULL; /* the last of several, as in Python */
    if (table != NULL && table->type == JSON_TABLE) {
        for (const json *item = table->first; item != NULL; item = item->next) {
            found = strcmp(item->key, key) == 0 ? item : found;
        }
    }
    return found;
}

const json *json_at(const json *list, int place) {
    const json *item = list != NULL && list->type == JSON_LIST ? list->first : NULL;
    for (; item != NULL && place > 0; place--) {
        item = item->next;
    }
    return item;
}

const char *json_text(const json *value, const char *otherwise) {
    return value != NULL && value->type == JSON_TEXT ? value->text : otherwise;
}

double json_real(const json *value, double otherwise) {
    return value != NULL && value->type == JSON_NUMBER ? value->number : otherwise;
}

int json_number(const json *table, const char *key, double least, double most, double *number,
                aiwf_error *error) {
    const json *item = json_item(table, key);
    if (item == NULL) {
        return AIWF_OK;
    }
    if (item->type != JSON_NUMBER || item->number < least || item->number > most) {
        return fail(error, AIWF_DAMAGED, "'%s' has to be a number from %g to %g. " AGAIN, key,
                    least, most);
    }
    *number = item->number;
    return AIWF_OK;
}

int json_whole(const json *table, const char *key, int least, int most, int *number,
               aiwf_error *error) {
    double found = *number;
    const int code = json_number(table, key, least, most, &found, error);
    if (code != AIWF_OK) {
        return code;
    }
    if (found != floor(found)) {
        return fail(error, AIWF_DAMAGED, "'%s' has to be a whole number. " AGAIN, key);
    }
    *number = (int)found;
    return AIWF_OK;
}
