/* The steps around a network, by name, as package.json says them: each turns a value of a kind into
   a value of another kind. */
#ifndef AIWF_STEPS_H
#define AIWF_STEPS_H

#include "json.h"

#define MOST_STEPS 50
#define MOST_OUTPUTS 2
#define MOST_WINDOWS 600

enum kind {
    KIND_BYTES,
    KIND_PICTURE,     /* pixels [height, width, 3] */
    KIND_NUMBERS,     /* [height, width, 3] */
    KIND_WAVEFORM,    /* [n] */
    KIND_SPECTROGRAM, /* [bands, frames] */
    KIND_WINDOWS,     /* [m, ...] */
    KIND_OUTPUTS,     /* [m, labels]; of a detector two, [1, points, ...] */
    KIND_LOGITS,
    KIND_SCORES,
    KIND_CANDIDATES, /* boxes [points, 4] and scores [points, labels] */
    KIND_SHARES,     /* boxes [k, 6], edges as shares of width and height */
    KIND_BOXES       /* the same in pixels */
};

struct array {
    float *data;
    int64_t shape[4];
    int rank;
};

struct span {
    double start, end; /* seconds */
};

/* A sample on its way. The arrays belong to it; `data` does not. */
struct value {
    enum kind kind;
    const uint8_t *data;
    size_t size;
    uint8_t *pixels;
    int width, height; /* of the picture now */
    struct array arrays[MOST_OUTPUTS];
    /* Facts, which a later step needs. */
    int picture_width, picture_height;
    double seconds; /* of a sound */
    struct span *spans;
    int span_count;
    struct array window_logits;
    int64_t scored; /* labels of a detector */
};

struct step;
typedef int (*step_parse)(const json *args, struct step *step, aiwf_error *error);
typedef int (*step_run)(const struct step *step, struct value *value, aiwf_error *error);

/* A step with its arguments. `numbers` belongs to it. */
struct step {
    const struct step_kind *kind;
    int whole[8];
    double real[8];
    float *numbers;
    int count;
};

struct step_kind {
    const char *name;
    enum kind from, also, to; /* `also`: another kind that it takes; as `from` if there is none */
    step_parse parse;
    step_run run;
};

struct steps {
    struct step items[MOST_STEPS];
    int count;
};

/* Read the list `from` of package.json, whose steps have to lead from a value of the kind `first`.
   `last` becomes the kind with which they end. `where`: before or after. */
int steps_parse(const json *from, const char *where, enum kind first, struct steps *steps,
                enum kind *last, aiwf_error *error);
int steps_run(const struct steps *steps, int start, struct value *value, aiwf_error *error);
void steps_free(struct steps *steps);

/* New memory for an array of this shape; frees what it had. */
int array_resize(struct array *array, int rank, int64_t a, int64_t b, int64_t c, int64_t d,
                 aiwf_error *error);
int64_t array_count(const struct array *array);
void value_free(struct value *value);

/* Read a list of `least` to `most` numbers `key` of `args` into new memory, as float32. */
int step_numbers(const json *args, const char *key, int least, int most, float **numbers,
                 int *count, aiwf_error *error);
/* Read the lists `mean` and `std` of `least` to `most` numbers into `step`, whose numbers become
   the means and then the stds, which are above 0. */
int step_mean_std(const json *args, int least, int most, struct step *step, aiwf_error *error);
/* Read a side, or height and width, `key`, up to `most`. */
int step_size(const json *args, const char *key, int most, int *height, int *width,
              aiwf_error *error);

/* A part of a picture, in pixels. */
struct rectangle {
    int top, left, height, width;
};

/* Where a picture of `tall` by `broad` pixels lies in a letterbox of `height` by `width`. */
struct rectangle letterbox(int tall, int broad, int height, int width);

/* The steps. */
int parse_none(const json *args, struct step *step, aiwf_error *error);
int parse_decode_picture(const json *args, struct step *step, aiwf_error *error);
int run_decode_picture(const struct step *step, struct value *value, aiwf_error *error);
int parse_resize(const json *args, struct step *step, aiwf_error *error);
int run_resize(const struct step *step, struct value *value, aiwf_error *error);
int parse_normalise(const json *args, struct step *step, aiwf_error *error);
int run_normalise(const struct step *step, struct value *value, aiwf_error *error);
int run_to_channels_first(const struct step *step, struct value *value, aiwf_error *error);
int run_mirrored(const struct step *step, struct value *value, aiwf_error *error);
int parse_decode_sound(const json *args, struct step *step, aiwf_error *error);
int run_decode_sound(const struct step *step, struct value *value, aiwf_error *error);
int parse_log_mel(const json *args, struct step *step, aiwf_error *error);
int run_log_mel(const struct step *step, struct value *value, aiwf_error *error);
int parse_mfcc(const json *args, struct step *step, aiwf_error *error);
int run_mfcc(const struct step *step, struct value *value, aiwf_error *error);
int parse_windows(const json *args, struct step *step, aiwf_error *error);
int run_windows(const struct step *step, struct value *value, aiwf_error *error);
int parse_as_picture(const json *args, struct step *step, aiwf_error *error);
int run_as_picture(const struct step *step, struct value *value, aiwf_error *error);
int run_mean_of_windows(const struct step *step, struct value *value, aiwf_error *error);
int parse_reject(const json *args, struct step *step, aiwf_error *error);
int run_reject(const struct step *step, struct value *value, aiwf_error *error);
int run_softmax(const struct step *step, struct value *value, aiwf_error *error);
int parse_decode_boxes(const json *args, struct step *step, aiwf_error *error);
int run_decode_boxes(const struct step *step, struct value *value, aiwf_error *error);
int parse_decode_priors(const json *args, struct step *step, aiwf_error *error);
int run_decode_priors(const struct step *step, struct value *value, aiwf_error *error);
int parse_decode_corners(const json *args, struct step *step, aiwf_error *error);
int run_decode_corners(const struct step *step, struct value *value, aiwf_error *error);
int parse_suppress(const json *args, struct step *step, aiwf_error *error);
int run_suppress(const struct step *step, struct value *value, aiwf_error *error);
int run_to_pixels(const struct step *step, struct value *value, aiwf_error *error);

#endif
