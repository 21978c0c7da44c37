"""The figures of a trained model as the terminal prints them: each once."""

from stages.artifacts import Measure, Report
from stages.cli.outcome import figures_of


def measure(value: float) -> Measure:
    return Measure(value=value, low=value - 0.1, high=value + 0.1, n=50)


def printed(task: str = "image_classification", **overall: float) -> str:
    """The lines for a report of these metrics, of which the deciding one is held out, too."""
    deciding = "ap50" if task == "object_detection" else "balanced_accuracy"
    report = Report(
        task=task,
        labels=("a", "b"),
        overall={name: measure(value) for name, value in overall.items()},
        labels_measured={},
        held_out={deciding: measure(0.8)} if deciding in overall else {},
        threshold=0.5,
        verdict="ship",
        reasons=("Good.",),
        gate={},
    )
    return "\n".join(figures_of(report))


def test_macro_recall_that_is_the_balanced_accuracy_is_not_printed_a_second_time():
    text = printed(accuracy=0.6, macro_recall=0.72, macro_precision=0.65, balanced_accuracy=0.72)

    assert "macro recall" not in text
    assert text.count("72.0%") == 1
    assert "balanced accuracy" in text
    assert "held out of training" in text


def test_macro_recall_over_other_labels_is_a_figure_of_its_own():
    text = printed(accuracy=0.6, macro_recall=0.5, macro_precision=0.65, balanced_accuracy=0.7)

    assert "macro recall" in text
    assert "balanced accuracy" in text


def test_without_held_out_samples_there_is_macro_recall():
    assert "macro recall" in printed(accuracy=0.6, macro_recall=0.7)


def test_ap50_of_boxes_is_printed_once_on_the_test():
    text = printed("object_detection", ap50=0.45, ap50_95=0.3)

    assert text.count("AP50 ") == 1
    assert text.count("45.0%") == 1
