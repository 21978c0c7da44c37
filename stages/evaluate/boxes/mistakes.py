"""What went wrong with boxes, sorted and the worst first; which annotations may be wrong."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from stages.evaluate.predictions import Predicted
from stages.metrics.boxes import FALSE, MISPLACED, RIGHT, WRONG, Matches, Outcome, Outcomes, area

MISSED = "missed"
SORTS = (MISSED, WRONG, MISPLACED, FALSE)
NEAR, FAR = 0.5, 0.1  # overlap: a second box on one thing; nothing is annotated there
_FEWEST = 10  # right boxes that tell how sure the model is of what is right

Edges = tuple[float, ...]


class Mistake(NamedTuple):
    """One thing that went wrong in sample `row`. `true`, `true_box`: the annotation that it is
    about, `predicted`, `box`, `score`: the model's; empty where there is none. `overlap`: of the
    two boxes. `suspicious`: the annotation itself may be wrong."""

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
    again: bool = False  # a second box on one thing
    suspicious: bool = False


def mistakes(predicted: Predicted, found: Matches, sorted_out: Outcomes) -> list[Mistake]:
    """Every mistake: missed (the largest first), wrong label and false alarm (the surest first),
    badly placed (the worst placed first)."""
    sure = _sure(found, sorted_out.given)
    given = [_given(predicted, found, one, sure) for one in sorted_out.given if one.sort != RIGHT]
    sizes = area(found.true)
    missed = sorted(sorted_out.missed, key=lambda row: (-sizes[row], row))
    made = [_missed(predicted, found, row) for row in missed]
    for sort in SORTS[1:]:
        mine = [one for one in given if one.sort == sort]
        made += sorted(mine, key=_badness)
    return made


def shown(made: Sequence[Mistake], worst: int) -> dict[str, list[Mistake]]:
    """The worst of each sort, `worst` together, each sort as many as any other if it has them."""
    left = {sort: [one for one in made if one.sort == sort] for sort in SORTS}
    counts = dict.fromkeys(SORTS, 0)
    for _ in range(min(worst, len(made))):
        open_sorts = [sort for sort in SORTS if counts[sort] < len(left[sort])]
        counts[min(open_sorts, key=lambda sort: counts[sort])] += 1
    return {sort: left[sort][: counts[sort]] for sort in SORTS}


def _badness(one: Mistake) -> tuple[float, float, str]:
    first = one.overlap if one.sort == MISPLACED else -one.score
    return first, -one.score, one.name


def _sure(found: Matches, given: Sequence[Outcome]) -> float:
    """The score that half of the right boxes reach; none does if there are few of them."""
    right = [found.score[one.row] for one in given if one.sort == RIGHT]
    return float(np.median(right)) if len(right) >= _FEWEST else 2.0


def _given(predicted: Predicted, found: Matches, one: Outcome, sure: float) -> Mistake:
    row, score = int(found.image[one.row]), float(found.score[one.row])
    held = one.true >= 0
    return Mistake(
        one.sort,
        row,
        predicted.names[row],
        predicted.files[row],
        predicted.labels[found.true_label[one.true]] if held else "",
        predicted.labels[found.label[one.row]],
        score,
        round(one.overlap, 4),
        _edges(found.true[one.true]) if held else (),
        _edges(found.given[one.row]),
        one.sort == FALSE and one.touches >= NEAR,
        one.sort == FALSE and one.touches < FAR and score >= sure,
    )


def _missed(predicted: Predicted, found: Matches, true: int) -> Mistake:
    row, label = int(found.true_image[true]), predicted.labels[found.true_label[true]]
    where = (predicted.names[row], predicted.files[row])
    return Mistake(MISSED, row, *where, label, "", 0.0, 0.0, _edges(found.true[true]), ())


def _edges(box: "np.ndarray[tuple[int, ...], np.dtype[np.float64]]") -> Edges:
    return tuple(round(float(edge), 2) for edge in box)
