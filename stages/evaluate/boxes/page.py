"""The report on boxes as one self-contained HTML page, in the order in which it is read."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from stages.evaluate import drawing, formatting
from stages.evaluate.about import About
from stages.evaluate.boxes.evaluation import Evaluation
from stages.evaluate.boxes.gallery import MistakeView, views
from stages.evaluate.boxes.mistakes import MISSED, shown
from stages.evaluate.matrix import matrix
from stages.metrics.boxes import FALSE, MISPLACED, WRONG, BoxThreshold
from stages.pages import render

_TEMPLATE = Path(__file__).parent / "boxes.html"
_KEY = ("ap50", "ap50_95", "macro_precision", "macro_recall", "macro_f1")
_DESCRIPTIONS = {
    MISSED: "True boxes that were not found; the largest first.",
    WRONG: "Boxes in the right place with the wrong label; the highest scores first.",
    MISPLACED: "The right label, but an overlap of 10 to 50 % with the true box; the worst first.",
    FALSE: "Boxes where no such object is annotated; the highest scores first.",
}


def page(evaluation: Evaluation, about: About, fetch: Callable[[int], bytes], worst: int) -> str:
    """The page's HTML; see `Kind.page`."""
    lines = drawing.precision_recall(evaluation.curves)
    overall = evaluation.measured.overall
    training_curve, minutes = drawing.over_minutes(evaluation.epochs, "ap50")
    return render(
        _TEMPLATE,
        about=about,
        evaluation=evaluation,
        formatting=formatting,
        style=formatting.verdict_style(evaluation.verdict, evaluation.minimum),
        counted="boxes",
        key=[(name, overall[name]) for name in _KEY],
        labels=_weakest_first(evaluation),
        matrix=matrix(
            evaluation.measured.confusion,
            evaluation.predicted.labels,
            "boxes",
            ("background", "nothing"),
        ),
        box=drawing,
        curves=lines,
        point=_chosen_point(evaluation),
        background=sum(not line.name for line in lines),
        by_threshold=drawing.boxes_by_threshold(evaluation.thresholds),
        rows=_rows(evaluation),
        galleries=_galleries(evaluation, fetch, worst),
        descriptions=_DESCRIPTIONS,
        training_curve=training_curve,
        minutes=minutes,
    )


def _chosen_point(evaluation: Evaluation) -> drawing.MarkedPoint | None:
    """Recall and precision of all boxes at the threshold in use; None if nothing was counted."""
    chosen = evaluation.chosen
    if not chosen.recall.n or not chosen.precision.n:
        return None
    name = f"all boxes from a score of {evaluation.threshold:.2f} on"
    return drawing.MarkedPoint(name, chosen.recall, chosen.precision)


def _galleries(
    evaluation: Evaluation, fetch: Callable[[int], bytes], worst: int
) -> list[tuple[str, int, list[MistakeView]]]:
    """For each sort of mistake: its name, how many there are, and the worst as pictures."""
    chosen = shown(evaluation.mistakes, worst)
    return [
        (
            sort,
            sum(mistake.sort == sort for mistake in evaluation.mistakes),
            views(some, evaluation.predicted, evaluation.threshold, fetch),
        )
        for sort, some in chosen.items()
    ]


def _weakest_first(evaluation: Evaluation) -> list[tuple[str, dict[str, Any]]]:
    """The labels by AP50; those without a test box last."""
    each = evaluation.measured.labels.items()
    return sorted(each, key=lambda pair: (pair[1]["ap50"].n == 0, pair[1]["ap50"].value, pair[0]))


def _rows(evaluation: Evaluation) -> Sequence[BoxThreshold]:
    """The thresholds in steps of 0.1 at which boxes are predicted, and the recommended one."""
    return [
        row
        for row in evaluation.thresholds
        if row == evaluation.chosen or (round(100 * row.threshold) % 10 == 0 and row.each)
    ]
