"""Mistakes with boxes by sort, the worst first, and which annotations may be wrong."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from stages.evaluate.predictions import Predicted
from stages.metrics.boxes import FALSE, MISPLACED, RIGHT, WRONG, BoxOutcome, Matches, Outcomes, area

MISSED = "missed"
SORTS = (MISSED, WRONG, MISPLACED, FALSE)
NEAR, FAR = 0.5, 0.1  # overlap: a second box on one object; nothing is annotated there
_UNREACHED = 2.0  # a score
_FEWEST = 10  # right boxes that are needed to estimate their usual score

Edges = tuple[float, ...]


class Mistake(NamedTuple):
    """A mistake in sample `row`. `true`, `true_box`: the annotated label and box; `predicted`,
    `box`, `score`: those of the model; empty where there is none. `overlap`: IoU of the two boxes.
    `suspicious`: the annotation itself may be wrong."""

    sort: str
    row: int
    name: str
    file: str
    true: str
    predicted: str
    score: float
    overlap: float
    true_box: Edges
    box: Edges
    again: bool = False  # a second box on one object
    suspicious: bool = False


def mistakes(
    predicted: Predicted, found: Matches, sorted_out: Outcomes, trusted: bool = True
) -> list[Mistake]:
    """Every mistake: missed (the largest first), wrong label and false alarm (the surest first),
    badly placed (the worst placed first). Where scores are not `trusted`, none is suspicious."""
    sure = _sure(found, sorted_out.predicted) if trusted else _UNREACHED
    wrong_boxes = [
        _wrong_box(predicted, found, outcome, sure)
        for outcome in sorted_out.predicted
        if outcome.sort != RIGHT
    ]
    sizes = area(found.true)
    missed = sorted(sorted_out.missed, key=lambda row: (-sizes[row], row))
    ordered = [_missed(predicted, found, row) for row in missed]
    for sort in SORTS[1:]:
        mine = [mistake for mistake in wrong_boxes if mistake.sort == sort]
        ordered += sorted(mine, key=_badness)
    return ordered


def shown(all_mistakes: Sequence[Mistake], worst: int) -> dict[str, list[Mistake]]:
    """The worst mistakes of each sort, `worst` in all, shared evenly among the sorts."""
    by_sort = {
        sort: [mistake for mistake in all_mistakes if mistake.sort == sort] for sort in SORTS
    }
    counts = dict.fromkeys(SORTS, 0)
    for _ in range(min(worst, len(all_mistakes))):
        open_sorts = [sort for sort in SORTS if counts[sort] < len(by_sort[sort])]
        counts[min(open_sorts, key=lambda sort: counts[sort])] += 1
    return {sort: by_sort[sort][: counts[sort]] for sort in SORTS}


def _badness(mistake: Mistake) -> tuple[float, float, str]:
    first = mistake.overlap if mistake.sort == MISPLACED else -mistake.score
    return first, -mistake.score, mistake.name


def _sure(found: Matches, outcomes: Sequence[BoxOutcome]) -> float:
    """The median score of the right boxes; a score that none reaches if there are few of them."""
    right = [found.score[outcome.row] for outcome in outcomes if outcome.sort == RIGHT]
    return float(np.median(right)) if len(right) >= _FEWEST else _UNREACHED


def _wrong_box(predicted: Predicted, found: Matches, outcome: BoxOutcome, sure: float) -> Mistake:
    row, score = int(found.image[outcome.row]), float(found.score[outcome.row])
    has_annotation = outcome.true >= 0
    return Mistake(
        outcome.sort,
        row,
        predicted.names[row],
        predicted.files[row],
        predicted.labels[found.true_label[outcome.true]] if has_annotation else "",
        predicted.labels[found.label[outcome.row]],
        score,
        round(outcome.overlap, 4),
        _edges(found.true[outcome.true]) if has_annotation else (),
        _edges(found.predicted[outcome.row]),
        outcome.sort == FALSE and outcome.touches >= NEAR,
        outcome.sort == FALSE and outcome.touches < FAR and score >= sure,
    )


def _missed(predicted: Predicted, found: Matches, true: int) -> Mistake:
    row, label = int(found.true_image[true]), predicted.labels[found.true_label[true]]
    where = (predicted.names[row], predicted.files[row])
    return Mistake(MISSED, row, *where, label, "", 0.0, 0.0, _edges(found.true[true]), ())


def _edges(box: "np.ndarray[tuple[int, ...], np.dtype[np.float64]]") -> Edges:
    return tuple(round(float(edge), 2) for edge in box)
