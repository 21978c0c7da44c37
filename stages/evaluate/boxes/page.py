"""The report on boxes as one page that opens anywhere: what it says, in the order it is read."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from stages.evaluate import drawing, formatting
from stages.evaluate.about import About
from stages.evaluate.boxes.evaluation import Evaluation
from stages.evaluate.boxes.gallery import View, views
from stages.evaluate.boxes.mistakes import MISSED, shown
from stages.evaluate.matrix import matrix
from stages.metrics.boxes import FALSE, MISPLACED, WRONG, BoxThreshold
from stages.pages import render

_TEMPLATE = Path(__file__).parent / "boxes.html"
_KEY = ("ap50", "ap50_95", "macro_precision", "macro_recall", "macro_f1")
_DESCRIPTIONS = {
    MISSED: "True boxes that nothing was found at; the largest first.",
    WRONG: "A box at the place of a thing, with the label of another; the surest first.",
    MISPLACED: "The right label, but an overlap of 10 to 50 % with the true box; the worst first.",
    FALSE: "Boxes where no such thing is annotated; the surest first.",
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
        background=sum(not line.name for line in lines),
        by_threshold=drawing.boxes_by_threshold(evaluation.thresholds),
        rows=_rows(evaluation),
        galleries=_galleries(evaluation, fetch, worst),
        descriptions=_DESCRIPTIONS,
        training_curve=training_curve,
        minutes=minutes,
    )


def _galleries(
    evaluation: Evaluation, fetch: Callable[[int], bytes], worst: int
) -> list[tuple[str, int, list[View]]]:
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
    """Every tenth at which a box is given, and the recommended threshold."""
    return [
        row
        for row in evaluation.thresholds
        if row == evaluation.chosen or (round(100 * row.threshold) % 10 == 0 and row.each)
    ]
