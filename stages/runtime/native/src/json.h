/* A bounded reader of JSON (RFC 8259). */
#ifndef AIWF_JSON_H
#define AIWF_JSON_H

#include "fault.h"

enum json_type { JSON_NULL, JSON_FALSE, JSON_TRUE, JSON_NUMBER, JSON_TEXT, JSON_LIST, JSON_TABLE };

/* A value. The items of a list or table are `first`, then each one's `next`. */
typedef struct json {
    enum json_type type;
    int count;        /* of items */
    const char *key;  /* of an item of a table */
    const char *text; /* UTF-8 without a zero byte inside */
    double number;
    struct json *first, *next;
} json;

typedef struct json_document {
    json *root;
    json *values; /* all of them */
    char *texts;
} json_document;

/* Read the `size` bytes of `data`; `where`: the file's name, for errors. Free with json_free. */
int json_parse(const char *data, size_t size, const char *where, json_document *document,
               aiwf_error *error);
void json_free(json_document *document);

/* The item `key` of `table`; NULL if there is none, or if `table` is NULL or no table. */
const json *json_item(const json *table, const char *key);
/* The item number `place` of `list`, or NULL. */
const json *json_at(const json *list, int place);
/* The text of `value`, or `otherwise` if it is none. */
const char *json_text(const json *value, const char *otherwise);
/* The same of a number. */
double json_real(const json *value, double otherwise);

/* Read the number `key` of `table` into `number`, if it is there. AIWF_DAMAGED unless it is a
   number from `least` to `most`. */
int json_number(const json *table, const char *key, double least, double most, double *number,
                aiwf_error *error);
/* As json_number, for whole numbers. */
int json_whole(const json *table, const char *key, int least, int most, int *number,
               aiwf_error *error);

#endif
