package org.aiworkflow.sdk;

/** One label of an answer, or one box. */
public final class Answer {
    /** The label's name. */
    public final String label;
    /** From 0 to 1. */
    public final double score;
    /** Whether answers with such a score were right often enough; null if that was not measured. */
    public final Boolean sure;
    /** Left, top, right, bottom in pixels of the upright picture; null for a label of the whole. */
    public final double[] box;

    Answer(String label, double score, Boolean sure, double[] box) {
        this.label = label;
        this.score = score;
        this.sure = sure;
        this.box = box;
    }
}
