/* The native methods of org.aiworkflow.sdk.Predictor. */
#include <jni.h>

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "aiwf.h"

#define FIELDS 8
#define METHOD(type, name) JNIEXPORT type JNICALL Java_org_aiworkflow_sdk_Predictor_##name

/* `text`, which is UTF-8, or its beginning where a message was too long. NewStringUTF takes another
   encoding, and ends an Android process on letters beyond U+FFFF. NULL after an exception. */
static jstring string_of(JNIEnv *env, const char *text) {
    const jsize size = (jsize)strlen(text);
    jclass kind = (*env)->FindClass(env, "java/lang/String");
    jmethodID make =
        kind ? (*env)->GetMethodID(env, kind, "<init>", "([BLjava/lang/String;)V") : NULL;
    jstring encoding = make ? (*env)->NewStringUTF(env, "UTF-8") : NULL;
    jbyteArray bytes = encoding ? (*env)->NewByteArray(env, size) : NULL;
    if (bytes == NULL) {
        return NULL;
    }
    (*env)->SetByteArrayRegion(env, bytes, 0, size, (const jbyte *)text);
    jstring made = (*env)->NewObject(env, kind, make, bytes, encoding);
    (*env)->DeleteLocalRef(env, bytes);
    (*env)->DeleteLocalRef(env, encoding);
    (*env)->DeleteLocalRef(env, kind);
    return made;
}

static void throw_error(JNIEnv *env, const aiwf_error *error) {
    jclass kind = (*env)->FindClass(env, "org/aiworkflow/sdk/PredictorException");
    jmethodID make =
        kind ? (*env)->GetMethodID(env, kind, "<init>", "(ILjava/lang/String;)V") : NULL;
    jstring text = make ? string_of(env, error->message) : NULL;
    jobject thrown = text ? (*env)->NewObject(env, kind, make, (jint)error->code, text) : NULL;
    if (thrown) {
        (*env)->Throw(env, (jthrowable)thrown);
    }
}

static aiwf_predictor *predictor_of(jlong handle) {
    return (aiwf_predictor *)(intptr_t)handle;
}

/* The result as rows of FIELDS numbers; frees it. NULL after an exception. */
static jdoubleArray rows_of(JNIEnv *env, int code, aiwf_result *result, const aiwf_error *error) {
    if (code != AIWF_OK) {
        throw_error(env, error);
        return NULL;
    }
    const int count = aiwf_result_count(result);
    jdoubleArray rows = (*env)->NewDoubleArray(env, count * FIELDS);
    aiwf_entry entry;
    for (int k = 0; rows && k < count && aiwf_result_entry(result, k, &entry) == AIWF_OK; k++) {
        const jdouble row[FIELDS] = {entry.index,   entry.score, entry.sure,  entry.has_box,
                                     entry.left,    entry.top,   entry.right, entry.bottom};
        (*env)->SetDoubleArrayRegion(env, rows, k * FIELDS, FIELDS, row);
    }
    aiwf_free_result(result);
    return rows;
}

METHOD(jlong, openFolder)(JNIEnv *env, jclass kind, jstring folder) {
    (void)kind;
    aiwf_predictor *predictor = NULL;
    aiwf_error error;
    const char *path = (*env)->GetStringUTFChars(env, folder, NULL);
    if (path == NULL) {
        return 0;
    }
    const int code = aiwf_open(path, NULL, &predictor, &error);
    (*env)->ReleaseStringUTFChars(env, folder, path);
    if (code != AIWF_OK) {
        throw_error(env, &error);
    }
    return (jlong)(intptr_t)predictor;
}

METHOD(jobjectArray, labels)(JNIEnv *env, jclass kind, jlong handle) {
    (void)kind;
    const int count = aiwf_label_count(predictor_of(handle));
    jclass text = (*env)->FindClass(env, "java/lang/String");
    jobjectArray labels = text ? (*env)->NewObjectArray(env, count, text, NULL) : NULL;
    for (int k = 0; labels && k < count; k++) {
        jstring label = string_of(env, aiwf_label(predictor_of(handle), k));
        if (label == NULL) {
            return NULL;
        }
        (*env)->SetObjectArrayElement(env, labels, k, label);
        (*env)->DeleteLocalRef(env, label);
    }
    return labels;
}

METHOD(jdoubleArray, predictBytes)(JNIEnv *env, jclass kind, jlong handle, jbyteArray file) {
    (void)kind;
    aiwf_result *result = NULL;
    aiwf_error error;
    jbyte *data = (*env)->GetByteArrayElements(env, file, NULL);
    if (data == NULL) {
        return NULL;
    }
    const size_t size = (size_t)(*env)->GetArrayLength(env, file);
    const int code = aiwf_predict_bytes(predictor_of(handle), data, size, &result, &error);
    (*env)->ReleaseByteArrayElements(env, file, data, JNI_ABORT);
    return rows_of(env, code, result, &error);
}

METHOD(jdoubleArray, predictColours)
(JNIEnv *env, jclass kind, jlong handle, jintArray colours, jint width, jint height) {
    (void)kind;
    aiwf_result *result = NULL;
    aiwf_error error = {AIWF_BAD_ARGUMENT, "There are fewer colours than width times height."};
    const int64_t count = (int64_t)width * height;
    if (width < 1 || height < 1 || count > (*env)->GetArrayLength(env, colours)) {
        return rows_of(env, AIWF_BAD_ARGUMENT, NULL, &error);
    }
    uint8_t *rgb = malloc((size_t)count * 3);
    jint *from = rgb ? (*env)->GetIntArrayElements(env, colours, NULL) : NULL;
    if (from == NULL) {
        free(rgb);
        return NULL;
    }
    for (int64_t k = 0; k < count; k++) {
        rgb[3 * k] = (uint8_t)((uint32_t)from[k] >> 16);
        rgb[3 * k + 1] = (uint8_t)((uint32_t)from[k] >> 8);
        rgb[3 * k + 2] = (uint8_t)from[k];
    }
    (*env)->ReleaseIntArrayElements(env, colours, from, JNI_ABORT);
    const int code = aiwf_predict_pixels(predictor_of(handle), rgb, width, height,
                                         (size_t)width * 3, &result, &error);
    free(rgb);
    return rows_of(env, code, result, &error);
}

METHOD(jdoubleArray, predictSound)
(JNIEnv *env, jclass kind, jlong handle, jfloatArray samples, jint channels, jint rate) {
    (void)kind;
    aiwf_result *result = NULL;
    aiwf_error error = {AIWF_BAD_ARGUMENT, "A sound has 1 or more channels."};
    if (channels < 1) {
        return rows_of(env, AIWF_BAD_ARGUMENT, NULL, &error);
    }
    jfloat *data = (*env)->GetFloatArrayElements(env, samples, NULL);
    if (data == NULL) {
        return NULL;
    }
    const size_t frames = (size_t)((*env)->GetArrayLength(env, samples) / channels);
    const int code =
        aiwf_predict_samples(predictor_of(handle), data, frames, channels, rate, &result, &error);
    (*env)->ReleaseFloatArrayElements(env, samples, data, JNI_ABORT);
    return rows_of(env, code, result, &error);
}

METHOD(void, close)(JNIEnv *env, jclass kind, jlong handle) {
    (void)env;
    (void)kind;
    aiwf_close(predictor_of(handle));
}
