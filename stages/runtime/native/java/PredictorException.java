package org.aiworkflow.sdk;

/** What is wrong, and what to do next; `code` is that of aiwf_code in aiwf.h. */
public final class PredictorException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    public final int code;

    public PredictorException(int code, String message) {
        super(message);
        this.code = code;
    }
}
