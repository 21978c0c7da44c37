import java.io.File;
import java.nio.file.Files;
import java.util.List;
import org.aiworkflow.sdk.Answer;
import org.aiworkflow.sdk.Predictor;
import org.aiworkflow.sdk.PredictorException;

/** Check CACHE FILE...: a line for each file, label and score of each answer between tabs. */
public final class Check {
    public static void main(String[] words) throws Exception {
        try (Predictor predictor = Predictor.openAssets(new File(words[0]))) {
            for (int at = 1; at < words.length; at++) {
                try {
                    print(predictor.predict(Files.readAllBytes(new File(words[at]).toPath())));
                } catch (PredictorException problem) {
                    System.out.println("!" + problem.code + "\t" + problem.getMessage());
                }
            }
        }
    }

    private static void print(List<Answer> answers) {
        StringBuilder line = new StringBuilder();
        for (Answer answer : answers) {
            line.append(line.length() == 0 ? "" : "\t");
            line.append(answer.label).append('\t').append(answer.score);
        }
        System.out.println(line);
    }
}
