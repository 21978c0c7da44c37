"""Average precision, precision, recall and F1 of boxes, by label and overall."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from stages.artifacts import Measure
from stages.metrics.boxes.average_precision import average_precisions, means
from stages.metrics.boxes.evaluator import coco_precisions
from stages.metrics.boxes.matching import OVERLAPS, Matches, counts
from stages.metrics.boxes.resampling import resampled, share
from stages.metrics.intervals import f1_of

NAMES = ("precision", "recall", "f1")

Counts = NDArray[np.int64]
Numbers = NDArray[np.float64]


class Tallies(NamedTuple):
    """Numbers of boxes by group of pictures and label, [groups, labels] each: right, predicted and
    true. Without groups each picture is one."""

    right: Counts
    predicted: Counts
    true: Counts


def tallies(found: Matches, threshold: float) -> Tallies:
    """Count the predicted boxes with a score of at least `threshold`, and how many are right."""
    sure = found.score >= threshold - 1e-9
    size = (found.groups, found.labels)
    group = found.group[found.image]
    right = sure & (found.found >= 0)
    return Tallies(
        counts(group[right], found.label[right], *size),
        counts(group[sure], found.label[sure], *size),
        found.group_support,
    )


def shares(right: Numbers, predicted: Numbers, true: Numbers) -> dict[str, Numbers]:
    """Precision, recall, and under "f1" the share of right boxes among all true and predicted ones
    (F1 follows from it: see `f1_of` in intervals.py); NaN if nothing was counted."""
    wholes = (predicted, true, predicted + true - right)
    return {
        name: np.divide(right, whole, out=np.full(np.shape(right), np.nan), where=whole > 0)
        for name, whole in zip(NAMES, wholes, strict=True)
    }


def by_label(tally: Tallies, seed: int) -> list[dict[str, Measure]]:
    """Precision, recall and F1 of each label."""
    values = shares(*(counted.sum(axis=0).astype(np.float64) for counted in tally))
    drawn = _drawn(tally, seed)
    return [
        {name: _measure(tally, name, values[name][k], drawn[name][:, k], [k]) for name in NAMES}
        for k in range(tally.true.shape[1])
    ]


def macro_and_micro(tally: Tallies, seed: int) -> dict[str, Measure]:
    """Precision, recall and F1 as means over the labels that occur (macro), and of all boxes
    together (micro)."""
    occurring = np.flatnonzero((tally.true + tally.predicted).sum(axis=0))
    labels = Tallies(*(counted[:, occurring] for counted in tally))
    pooled = Tallies(*(counted.sum(axis=1, keepdims=True) for counted in tally))
    each, drawn = shares(*(counted.sum(axis=0) * 1.0 for counted in labels)), _drawn(labels, seed)
    values, pool = shares(*(counted.sum(axis=0) * 1.0 for counted in pooled)), _drawn(pooled, seed)
    macro = {f"macro_{name}": _mean(labels, name, each[name], drawn[name]) for name in NAMES}
    micro = {
        f"micro_{name}": _measure(pooled, name, values[name][0], pool[name][:, 0], [0])
        for name in NAMES
    }
    return macro | micro


def precisions(
    found: Matches, truth: Sequence[Any], answers: Sequence[Any], seed: int
) -> tuple[dict[str, Measure], list[Measure]]:
    """AP50 and AP50:95 over all labels with true boxes, and AP50 of each label.

    The values are from the COCO evaluator, the intervals from resamples of the matches."""
    values = coco_precisions(truth, answers, found.labels)
    drawn = resampled(
        lambda weights: average_precisions(found, weights[:, found.group], range(len(OVERLAPS))),
        *(found.groups, max(len(found.score), found.images), seed, 1),
    )
    true = found.group_support
    boxes, pictures = true.sum(axis=0), (true > 0).sum(axis=0)
    effective = _effective_boxes(boxes[boxes > 0])
    some = int((true.sum(axis=1) > 0).sum())
    each = {"ap50": (values[:1], drawn[:1]), "ap50_95": (values, drawn)}
    overall = {
        name: share(_mean_of(value), means(draw), effective, some, found.images if effective else 0)
        for name, (value, draw) in each.items()
    }
    return overall, [
        share(_mean_of(values[:1, k]), drawn[0, :, k], boxes[k], int(pictures[k]), int(boxes[k]))
        for k in range(found.labels)
    ]


def _drawn(tally: Tallies, seed: int) -> dict[str, Numbers]:
    stacked = np.concatenate(tally, axis=1).astype(np.float64)
    images, labels = tally.true.shape
    sums = resampled(lambda weights: weights @ stacked, images, stacked.shape[1], seed)
    return shares(*(sums[:, k * labels : (k + 1) * labels] for k in range(3)))


def _whole(tally: Tallies, name: str) -> Counts:
    """The denominator of the share `name`, [images, labels]."""
    right, predicted, true = tally
    return {"precision": predicted, "recall": true, "f1": predicted + true - right}[name]


def _measure(
    tally: Tallies, name: str, value: float, drawn: Numbers, labels: Sequence[int]
) -> Measure:
    whole = _whole(tally, name)[:, labels].sum(axis=1)
    boxes, pictures = int(whole.sum()), int((whole > 0).sum())
    found = share(float(np.nan_to_num(value)), drawn, boxes, pictures, boxes)
    return f1_of(found) if name == "f1" else found


def _mean(tally: Tallies, name: str, each: Numbers, drawn: Numbers) -> Measure:
    """The mean over labels; a label that is never predicted has a precision of 0."""
    whole = _whole(tally, name)
    absent = whole.sum(axis=0) == 0
    drawn = np.where(absent, 0.0, drawn)
    if name == "f1":
        each, drawn = 2 * each / (1 + each), 2 * drawn / (1 + drawn)
    every = _whole(tally, "f1").sum(axis=1)
    value = float(np.nan_to_num(each).mean()) if len(each) else 0.0
    effective, pictures = _effective_boxes(whole.sum(axis=0)), int((every > 0).sum())
    n = int(every.sum()) if name != "recall" or tally.true.any() else 0
    return share(value, means(drawn[None]), effective, pictures, n)


def _effective_boxes(boxes: Counts) -> float:
    """The effective number of boxes for a mean over labels with `boxes` of each label: so many
    independent boxes of one label give the same variance."""
    return float(len(boxes) ** 2 / (1 / np.maximum(boxes, 1)).sum()) if len(boxes) else 0.0


def _mean_of(values: Numbers) -> float:
    finite = values[np.isfinite(values)]
    return float(finite.mean()) if finite.size else 0.0
