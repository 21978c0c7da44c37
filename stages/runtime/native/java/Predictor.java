package org.aiworkflow.sdk;

import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/** A package that answers. Threads may share one; their predictions then wait for each other. */
public final class Predictor implements AutoCloseable {
    private static final int FIELDS = 8; // index, score, sure, whether it has a box, the box
    private static final String ASSETS = "assets/model/";
    private static final String SEAL = "SHA256SUMS";

    static {
        System.loadLibrary("aiwf_jni");
    }

    private long handle;
    private final String[] labels;

    private Predictor(long handle) {
        this.handle = handle;
        this.labels = labels(handle);
    }

    /** Open the package in a folder. Throws PredictorException if it is damaged. */
    public static Predictor open(File folder) {
        return new Predictor(openFolder(folder.getPath()));
    }

    /** Open the package among the app's assets; its files are copied into `cache` first, as
     * context.getCacheDir() in an app. */
    public static Predictor openAssets(File cache) throws IOException {
        ClassLoader loader = Predictor.class.getClassLoader();
        byte[] seal = copy(loader, SEAL, cache);
        for (String line : new String(seal, "UTF-8").split("\n")) {
            if (!line.startsWith("#") && !line.isEmpty()) {
                copy(loader, line.substring(line.indexOf("  ") + 2), cache);
            }
        }
        return open(cache);
    }

    /** Answer a file's content: a picture (JPEG, PNG) or a sound (WAV). A library that was built
     * without decoders of pictures refuses them: take predictPixels there. */
    public synchronized List<Answer> predict(byte[] file) {
        return answers(predictBytes(opened(), file));
    }

    /** Answer a picture of 32-bit colours as android.graphics.Bitmap.getPixels gives them. */
    public synchronized List<Answer> predictPixels(int[] colours, int width, int height) {
        return answers(predictColours(opened(), colours, width, height));
    }

    /** Answer a sound: `samples` of -1 to 1, channel after channel for each frame. */
    public synchronized List<Answer> predictSamples(float[] samples, int channels, int rate) {
        return answers(predictSound(opened(), samples, channels, rate));
    }

    public List<String> labels() {
        return Collections.unmodifiableList(java.util.Arrays.asList(labels));
    }

    @Override
    public synchronized void close() {
        if (handle != 0) {
            close(handle);
            handle = 0;
        }
    }

    private long opened() {
        if (handle == 0) {
            throw new IllegalStateException("This predictor was closed. Open the package again.");
        }
        return handle;
    }

    private List<Answer> answers(double[] rows) {
        List<Answer> found = new ArrayList<>(rows.length / FIELDS);
        for (int at = 0; at < rows.length; at += FIELDS) {
            Boolean sure = rows[at + 2] < 0 ? null : Boolean.valueOf(rows[at + 2] > 0);
            double[] box = null;
            if (rows[at + 3] > 0) {
                box = java.util.Arrays.copyOfRange(rows, at + 4, at + FIELDS);
            }
            found.add(new Answer(labels[(int) rows[at]], rows[at + 1], sure, box));
        }
        return found;
    }

    private static byte[] copy(ClassLoader loader, String name, File cache) throws IOException {
        File target = new File(cache, name);
        if (!target.getCanonicalPath().startsWith(cache.getCanonicalPath() + File.separator)) {
            throw new IOException(name + " would lie outside of the folder.");
        }
        target.getParentFile().mkdirs();
        ByteArrayOutputStream content = new ByteArrayOutputStream();
        try (InputStream from = loader.getResourceAsStream(ASSETS + name)) {
            if (from == null) {
                throw new IOException(ASSETS + name + " is missing. Add the whole AAR to the app.");
            }
            byte[] part = new byte[65536];
            for (int count = from.read(part); count > 0; count = from.read(part)) {
                content.write(part, 0, count);
            }
        }
        try (OutputStream to = new FileOutputStream(target)) {
            content.writeTo(to);
        }
        return content.toByteArray();
    }

    private static native long openFolder(String folder);

    private static native String[] labels(long handle);

    private static native double[] predictBytes(long handle, byte[] file);

    private static native double[] predictColours(long handle, int[] colours, int width, int height);

    private static native double[] predictSound(
            long handle, float[] samples, int channels, int rate);

    private static native void close(long handle);
}
