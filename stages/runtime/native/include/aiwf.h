/* The C interface of a package: open a folder, predict, free the result, close.

   Every function that can fail returns AIWF_OK or another code of `aiwf_code`, and writes a message
   to `error`, which may be NULL. A predictor may be shared by threads: their predictions then wait
   for each other. Predictors are independent of each other; the library has no global state.

   Strings are UTF-8. A pointer from an accessor is valid until its predictor is closed or its
   result freed. */
#ifndef AIWF_H
#define AIWF_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define AIWF_VERSION_MAJOR 1
#define AIWF_VERSION_MINOR 0
#define AIWF_PACKAGE_FORMAT 2 /* the highest of package.json that this library reads */
#define AIWF_MESSAGE_BYTES 512

#if defined(_WIN32)
#define AIWF_API
#else
#define AIWF_API __attribute__((visibility("default")))
#endif

typedef enum aiwf_code {
    AIWF_OK = 0,
    AIWF_BAD_ARGUMENT = 1,       /* a call that contradicts this header, or a missing file */
    AIWF_BAD_SAMPLE = 2,         /* no picture or sound, a truncated or a too large one */
    AIWF_DAMAGED = 3,            /* the package is not what was packed */
    AIWF_UNSUPPORTED = 4,        /* a step, engine or format that this library does not have */
    AIWF_ENGINE_MISSING = 5,     /* no plug-in or no library of the engine, or of another ABI */
    AIWF_ENGINE_FAILED = 6,      /* the engine cannot load or run the network */
    AIWF_UNTESTED_PROCESSOR = 7, /* the package was not verified for this kind of processor */
    AIWF_NO_MEMORY = 8,
    AIWF_DISAGREES = 9 /* a selftest with other answers than where the package was made */
} aiwf_code;

typedef struct aiwf_error {
    int code;
    char message[AIWF_MESSAGE_BYTES]; /* what is wrong, and what to do next */
} aiwf_error;

/* How a package is opened. Begin with aiwf_default_options(). */
typedef struct aiwf_options {
    const char *engines; /* the folder of the engine plug-ins; NULL: where this library lies */
    const char *library; /* the engine's own shared library; NULL: beside the plug-in, or the
                            system's */
    int threads;         /* of the engine; from 1 on */
    int untested;        /* not 0: also on a processor that the package was not verified for */
} aiwf_options;

typedef struct aiwf_predictor aiwf_predictor;
typedef struct aiwf_result aiwf_result;

/* One label, or one box. */
typedef struct aiwf_entry {
    const char *label;
    int index;                       /* of the label */
    double score;                    /* 0 to 1, rounded to 6 digits */
    int sure;                        /* 1 or 0; -1 if the package was not measured for that */
    int has_box;                     /* not 0: the edges below are set */
    double left, top, right, bottom; /* pixels of the upright picture */
} aiwf_entry;

/* The likeliest label of one window of a sound. */
typedef struct aiwf_window {
    double start, end; /* seconds */
    const char *label;
    double score;
} aiwf_window;

typedef struct aiwf_selftest_report {
    int samples;      /* golden ones */
    int agreeing;     /* that keep their answer */
    double furthest;  /* the largest deviation of a number */
    double tolerance; /* the largest that is allowed */
    char processor[32];
    int verified; /* 0: the package states nothing for processors of this kind */
} aiwf_selftest_report;

/* "1.0" */
AIWF_API const char *aiwf_version(void);
/* The ABI number that an engine plug-in has to have. */
AIWF_API uint32_t aiwf_engine_abi(void);
/* This machine's kind of processor: x86-64-vnni, x86-64, arm64-dotprod, arm64 or unknown. */
AIWF_API const char *aiwf_processor(void);

AIWF_API aiwf_options aiwf_default_options(void);

/* Open the package in `folder`: check its seal and description, load its engine and network.
   `options`: NULL for the default ones. */
AIWF_API int aiwf_open(const char *folder, const aiwf_options *options, aiwf_predictor **predictor,
                       aiwf_error *error);
AIWF_API void aiwf_close(aiwf_predictor *predictor);

AIWF_API const char *aiwf_name(const aiwf_predictor *predictor);
AIWF_API const char *aiwf_task(const aiwf_predictor *predictor);
/* 1 if results are boxes, 0 if they are labels; and 1 if samples are sounds, 0 if pictures. */
AIWF_API int aiwf_answers_boxes(const aiwf_predictor *predictor);
AIWF_API int aiwf_takes_sounds(const aiwf_predictor *predictor);
AIWF_API int aiwf_label_count(const aiwf_predictor *predictor);
/* NULL for an index that there is not. */
AIWF_API const char *aiwf_label(const aiwf_predictor *predictor, int index);
/* The default threshold: entries with a lower score are left out of a result. */
AIWF_API double aiwf_threshold(const aiwf_predictor *predictor);

/* Predict. `file` and `data` are a picture (JPEG, PNG) or a sound (WAV, FLAC, OGG, MP3). The result
   has all labels, or all boxes from the package's threshold on, sorted by falling score. */
AIWF_API int aiwf_predict_file(aiwf_predictor *predictor, const char *file, aiwf_result **result,
                               aiwf_error *error);
AIWF_API int aiwf_predict_bytes(aiwf_predictor *predictor, const void *data, size_t size,
                                aiwf_result **result, aiwf_error *error);
/* `rgb`: 8-bit red, green and blue, row by row from the top; `stride`: bytes from row to row. */
AIWF_API int aiwf_predict_pixels(aiwf_predictor *predictor, const uint8_t *rgb, int width,
                                 int height, size_t stride, aiwf_result **result,
                                 aiwf_error *error);
/* `samples`: [frames][channels], full scale -1 to 1; `rate`: frames a second. */
AIWF_API int aiwf_predict_samples(aiwf_predictor *predictor, const float *samples, size_t frames,
                                  int channels, int rate, aiwf_result **result, aiwf_error *error);

AIWF_API int aiwf_result_count(const aiwf_result *result);
/* AIWF_BAD_ARGUMENT for a `place` that there is not. */
AIWF_API int aiwf_result_entry(const aiwf_result *result, int place, aiwf_entry *entry);
AIWF_API int aiwf_result_window_count(const aiwf_result *result);
AIWF_API int aiwf_result_window(const aiwf_result *result, int place, aiwf_window *window);
AIWF_API void aiwf_free_result(aiwf_result *result);

/* Open the package in `folder`, also on an untested processor, and compare its answers to its
   golden samples with those of the machine that made it. AIWF_DISAGREES if they differ. */
AIWF_API int aiwf_selftest(const char *folder, const aiwf_options *options,
                           aiwf_selftest_report *report, aiwf_error *error);

#ifdef __cplusplus
}
#endif
#endif
