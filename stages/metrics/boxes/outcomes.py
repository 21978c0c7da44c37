"""Sorts the boxes at a threshold by outcome: right, wrong label, badly placed, false alarm; and the
missed true boxes. The outcomes are those of TIDE (Bolya, Foley, Hays, Hoffman 2020, ECCV)."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from stages.metrics.boxes.matching import Matches, groups, overlaps

RIGHT, WRONG, MISPLACED, FALSE = "right", "wrong label", "badly placed", "false alarm"
NEAR, FAR = 0.5, 0.1  # overlaps: at the place of a true box; not near it
_ROWS = 256

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]


class BoxOutcome(NamedTuple):
    """The outcome of one predicted box. `row`: its row in the Matches. `sort`: right, wrong label
    and so on. `true`: the true box that it is assigned to, or -1. `overlap`: with that box.
    `touches`: the largest overlap with any true box of its picture."""

    row: int
    sort: str
    true: int
    overlap: float
    touches: float


class Outcomes(NamedTuple):
    """`predicted`: the outcomes of the predicted boxes above the threshold, by falling score.
    `missed`: rows of the true boxes to which no predicted box is assigned."""

    predicted: list[BoxOutcome]
    missed: list[int]


def outcomes(found: Matches, threshold: float) -> Outcomes:
    """Sort the predicted boxes with a score of at least `threshold` by outcome.

    Boxes that matching.py has matched are right. Of the others, a box that overlaps with a free
    true box by at least 0.5 has the wrong label, one that overlaps with a free true box of its
    label by 0.1 to 0.5 is badly placed, and any other is a false alarm."""
    sure = np.flatnonzero(found.score >= threshold - 1e-9)
    right = sure[found.found[sure] >= 0]
    free = np.ones(len(found.true), bool)
    free[found.found[right]] = False
    loose = sure[found.found[sure] < 0]
    predicted = [_right(found, int(row)) for row in right]
    theirs = groups(found.true_image)
    none = np.zeros(0, np.int64)
    for image, rows in groups(found.image[loose]).items():
        predicted += _sorted(found, loose[rows], theirs.get(image, none), free)
    predicted.sort(key=lambda outcome: outcome.row)
    return Outcomes(predicted, [int(row) for row in np.flatnonzero(free)])


def confusion(found: Matches, sorted_out: Outcomes) -> list[list[int]]:
    """Counts by true label (row; the last is background) and predicted label (column; the last is
    missed). A badly placed box counts as a missed true box and as a false alarm."""
    size = found.labels + 1
    table = np.zeros((size, size), np.int64)
    matched = {outcome.true for outcome in sorted_out.predicted if outcome.sort in (RIGHT, WRONG)}
    for outcome in sorted_out.predicted:
        at_place = outcome.sort in (RIGHT, WRONG)
        table[found.true_label[outcome.true] if at_place else -1, found.label[outcome.row]] += 1
    for row, label in enumerate(found.true_label):
        table[label, -1] += row not in matched
    return [[int(cell) for cell in line] for line in table]


def _right(found: Matches, row: int) -> BoxOutcome:
    true = int(found.found[row])
    overlap = float(overlaps(found.predicted[[row]], found.true[[true]])[0, 0])
    return BoxOutcome(row, RIGHT, true, overlap, overlap)


def _sorted(
    found: Matches, rows: Indices, theirs: Indices, free: NDArray[np.bool_]
) -> Iterator[BoxOutcome]:
    """Yield the outcomes of the boxes `rows` of a picture with the true boxes `theirs`, those with
    a wrong label first; assigned true boxes are removed from `free`."""
    remaining: list[tuple[int, Floats]] = []
    for row, overlap in _overlaps(found, rows, theirs):
        at_place = np.where(free[theirs], overlap, 0.0)
        if at_place.max(initial=0.0) >= NEAR:
            yield _assigned(row, WRONG, theirs, at_place, overlap, free)
        else:
            remaining.append((row, overlap))
    for row, overlap in remaining:
        same_label = free[theirs] & (found.true_label[theirs] == found.label[row])
        near = np.where(same_label, overlap, 0.0)
        if near.max(initial=0.0) >= FAR:
            yield _assigned(row, MISPLACED, theirs, near, overlap, free)
        else:
            yield BoxOutcome(row, FALSE, -1, 0.0, float(overlap.max(initial=0.0)))


def _assigned(
    row: int,
    sort: str,
    theirs: Indices,
    eligible: Floats,
    overlap: Floats,
    free: NDArray[np.bool_],
) -> BoxOutcome:
    best = int(eligible.argmax())
    free[theirs[best]] = False
    return BoxOutcome(row, sort, int(theirs[best]), float(eligible[best]), float(overlap.max()))


def _overlaps(
    found: Matches, rows: Sequence[int] | Indices, theirs: Indices
) -> Iterator[tuple[int, Floats]]:
    """Each of `rows` with its overlaps with the true boxes `theirs`."""
    for start in range(0, len(rows), _ROWS):
        part = np.asarray(rows[start : start + _ROWS])
        block = overlaps(found.predicted[part], found.true[theirs])
        yield from zip((int(row) for row in part), block, strict=True)
