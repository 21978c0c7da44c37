#include "json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MOST_BYTES 100000000
#define MOST_VALUES 8000000
#define DEEPEST 64
#define MOST_DIGITS 400 /* of a number */

struct reader {
    const char *at, *end;
    json *values;
    size_t used, room;
    char *texts; /* where the next text is written; never more than was read */
};

static json *read_value(struct reader *in, int depth);

static void skip_space(struct reader *in) {
    while (in->at < in->end && strchr(" \t\r\n", *in->at) != NULL && *in->at != 0) {
        in->at++;
    }
}

static int next_is(struct reader *in, char wanted) {
    skip_space(in);
    if (in->at < in->end && *in->at == wanted) {
        in->at++;
        return 1;
    }
    return 0;
}

static int hex4(struct reader *in, unsigned *code) {
    *code = 0;
    for (int k = 0; k < 4; k++, in->at++) {
        const char *digits = "0123456789abcdef";
        if (in->at >= in->end || *in->at == 0) {
            return 0;
        }
        const char small = *in->at >= 'A' && *in->at <= 'F' ? (char)(*in->at + 32) : *in->at;
        const char *found = strchr(digits, small);
        if (found == NULL) {
            return 0;
        }
        *code = *code * 16 + (unsigned)(found - digits);
    }
    return 1;
}

static void write_utf8(struct reader *in, unsigned code) {
    if (code < 0x80) {
        *in->texts++ = (char)code;
    } else if (code < 0x800) {
        *in->texts++ = (char)(0xC0 | code >> 6);
        *in->texts++ = (char)(0x80 | (code & 63));
    } else if (code < 0x10000) {
        *in->texts++ = (char)(0xE0 | code >> 12);
        *in->texts++ = (char)(0x80 | (code >> 6 & 63));
        *in->texts++ = (char)(0x80 | (code & 63));
    } else {
        *in->texts++ = (char)(0xF0 | code >> 18);
        *in->texts++ = (char)(0x80 | (code >> 12 & 63));
        *in->texts++ = (char)(0x80 | (code >> 6 & 63));
        *in->texts++ = (char)(0x80 | (code & 63));
    }
}

/* What follows a backslash. A zero byte is refused: it would end a C string. */
static int read_escape(struct reader *in) {
    static const char names[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
    unsigned code = 0, second = 0;
    if (in->at >= in->end || *in->at == 0) {
        return 0;
    }
    const char *found = strchr(names, *in->at);
    if (found != NULL) {
        in->at++;
        *in->texts++ = values[found - names];
        return 1;
    }
    if (*in->at++ != 'u' || !hex4(in, &code) || code == 0 || (code >= 0xDC00 && code < 0xE000)) {
        return 0;
    }
    if (code >= 0xD800 && code < 0xDC00) {
        if (in->end - in->at < 6 || in->at[0] != '\\' || in->at[1] != 'u') {
            return 0;
        }
        in->at += 2;
        if (!hex4(in, &second) || second < 0xDC00 || second >= 0xE000) {
            return 0;
        }
        code = 0x10000 + ((code - 0xD800) << 10) + (second - 0xDC00);
    }
    write_utf8(in, code);
    return 1;
}

/* Copy one character of several bytes, if it is well-formed UTF-8 (RFC 3629). */
static int copy_utf8(struct reader *in) {
    const unsigned char first = (unsigned char)*in->at;
    const int length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
    static const unsigned least[] = {0, 0, 0x80, 0x800, 0x10000};
    unsigned code = first & (0xFFu >> (length + 1));
    if (first < 0xC2 || first > 0xF4 || in->end - in->at < length) {
        return 0;
    }
    for (int k = 1; k < length; k++) {
        const unsigned char byte = (unsigned char)in->at[k];
        if ((byte & 0xC0) != 0x80) {
            return 0;
        }
        code = code << 6 | (byte & 63u);
    }
    if (code < least[length] || code > 0x10FFFF || (code >= 0xD800 && code < 0xE000)) {
        return 0;
    }
    memcpy(in->texts, in->at, (size_t)length);
    in->texts += length;
    in->at += length;
    return 1;
}

/* The text behind a quotation mark; NULL if it is not well-formed. */
static const char *read_text(struct reader *in) {
    const char *text = in->texts;
    while (in->at < in->end && *in->at != '"') {
        const unsigned char byte = (unsigned char)*in->at;
        if (byte < ' ') {
            return NULL;
        }
        if (byte == '\\') {
            in->at++;
            if (!read_escape(in)) {
                return NULL;
            }
        } else if (byte >= 0x80) {
            if (!copy_utf8(in)) {
                return NULL;
            }
        } else {
            *in->texts++ = *in->at++;
        }
    }
    if (in->at >= in->end) {
        return NULL;
    }
    in->at++;
    *in->texts++ = 0;
    return text;
}

/* The number of digits at in->at, which are skipped; `value` and `places` follow them. */
static int digits(struct reader *in, double *value, int *places) {
    int count = 0;
    while (in->at < in->end && *in->at >= '0' && *in->at <= '9' && count < MOST_DIGITS) {
        *value = *value * 10 + (*in->at++ - '0');
        count++;
        *places += 1;
    }
    return count;
}

/* Without strtod, which obeys the program's locale. Of up to 15 digits the result is exact. */
static int read_number(struct reader *in, double *number) {
    const int minus = in->at < in->end && *in->at == '-';
    int places = 0, exponent = 0;
    double value = 0;
    in->at += minus;
    const int leading = in->at < in->end && *in->at == '0';
    const int whole = digits(in, &value, &places);
    if (whole == 0 || (leading && whole > 1)) {
        return 0;
    }
    places = 0;
    if (in->at < in->end && *in->at == '.') {
        in->at++;
        if (digits(in, &value, &places) == 0) {
            return 0;
        }
    }
    if (in->at < in->end && (*in->at == 'e' || *in->at == 'E')) {
        double written = 0;
        int ignored = 0;
        in->at++;
        const int down = in->at < in->end && *in->at == '-';
        in->at += down || (in->at < in->end && *in->at == '+');
        if (digits(in, &written, &ignored) == 0) {
            return 0;
        }
        exponent = (int)fmin(written, 9999) * (down ? -1 : 1);
    }
    exponent -= places;
    value = exponent < 0 ? (double)((long double)value / powl(10, -exponent))
                         : (double)((long double)value * powl(10, exponent));
    *number = minus ? -value : value;
    return isfinite(value);
}

static json *read_items(struct reader *in, json *value, char end, int depth) {
    json **last = &value->first;
    if (next_is(in, end)) {
        return value;
    }
    do {
        const char *key = NULL;
        if (value->type == JSON_TABLE) {
            if (!next_is(in, '"') || (key = read_text(in)) == NULL || !next_is(in, ':')) {
                return NULL;
            }
        }
        json *item = read_value(in, depth + 1);
        if (item == NULL) {
            return NULL;
        }
        item->key = key;
        *last = item;
        last = &item->next;
        value->count++;
    } while (next_is(in, ','));
    return next_is(in, end) ? value : NULL;
}

static int read_word(struct reader *in, const char *word) {
    const size_t length = strlen(word);
    if ((size_t)(in->end - in->at) < length || memcmp(in->at, word, length) != 0) {
        return 0;
    }
    in->at += length;
    return 1;
}

static json *read_value(struct reader *in, int depth) {
    skip_space(in);
    if (in->at >= in->end || depth > DEEPEST || in->used == in->room) {
        return NULL;
    }
    json *value = &in->values[in->used++];
    switch (*in->at) {
    case '{':
        in->at++;
        value->type = JSON_TABLE;
        return read_items(in, value, '}', depth);
    case '[':
        in->at++;
        value->type = JSON_LIST;
        return read_items(in, value, ']', depth);
    case '"':
        in->at++;
        value->type = JSON_TEXT;
        value->text = read_text(in);
        return value->text == NULL ? NULL : value;
    case 'n':
        value->type = JSON_NULL;
        return read_word(in, "null") ? value : NULL;
    case 't':
        value->type = JSON_TRUE;
        return read_word(in, "true") ? value : NULL;
    case 'f':
        value->type = JSON_FALSE;
        return read_word(in, "false") ? value : NULL;
    default:
        value->type = JSON_NUMBER;
        return read_number(in, &value->number) ? value : NULL;
    }
}

int json_parse(const char *data, size_t size, const char *where, json_document *document,
               aiwf_error *error) {
    size_t room = 2;
    memset(document, 0, sizeof *document);
    for (size_t at = 0; at < size; at++) { /* no more values than what separates them */
        room += data[at] == ',' || data[at] == '[' || data[at] == '{';
    }
    if (size > MOST_BYTES || room > MOST_VALUES) {
        return fail(error, AIWF_DAMAGED, "%s has more than packages have. " AGAIN, where);
    }
    document->values = allocated(room, sizeof(json), error);
    document->texts = allocated(size + 1, 1, error);
    if (document->values == NULL || document->texts == NULL) {
        json_free(document);
        return AIWF_NO_MEMORY;
    }
    struct reader in = {data, data + size, document->values, 0, room, document->texts};
    document->root = read_value(&in, 0);
    skip_space(&in);
    if (document->root == NULL || in.at != in.end) {
        const size_t at = (size_t)(in.at - data);
        json_free(document);
        return fail(error, AIWF_DAMAGED, "%s is no JSON from byte %zu on. " AGAIN, where, at);
    }
    return AIWF_OK;
}
