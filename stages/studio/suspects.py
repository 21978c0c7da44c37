"""Suspects: samples whose annotation the out-of-fold predictions of a model contradict.

Labels: by the class thresholds of confident learning (Northcutt, Jiang and Chuang, Confident
learning: estimating uncertainty in dataset labels, JAIR 2021), ordered by self-confidence. Boxes:
the three sorts of errors of ObjectLab (Tkachenko, Thyagarajan and Mueller, ObjectLab: automated
diagnosis of mislabeled images in object detection data, 2023): overlooked, swapped, badly placed.

The predictions are of samples that the answering model was not trained on, and never of the test
split."""

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stages.artifacts import Model
from stages.evaluate.kinds import UNSEEN
from stages.metrics.boxes.matching import overlaps
from stages.runner.lock import load_lock
from stages.runner.recorded_runs import PREFIX
from stages.runtime.errors import WorkflowError
from stages.store import Store

SURE = 0.5  # the least score of a predicted box that contradicts the annotated ones
SAME, NEAR = 0.5, 0.1  # overlaps: of a box on the same object, and of one that may be

Floats = NDArray[np.float64]
Doubts = dict[str, tuple[str, float]]  # by digest: the suggested label, the doubt in 0..1


def last_model(store: Store, name: str) -> Model | None:
    """The model of the newest run on the data set `name`; None if there is none to be found."""
    entries = sorted(store.blobs.entries(PREFIX), key=lambda entry: entry.modified, reverse=True)
    for entry in entries:
        try:
            lock = load_lock(entry.key.removeprefix(PREFIX).removesuffix(".json"), store)
            if lock and lock.data.get("name") == name and "train" in lock.artifacts:
                model: Model = store.load(lock.artifacts["train"])
                if UNSEEN in model.files:
                    return model
        except WorkflowError:  # of another version, or removed: an earlier run may do
            continue
    return None


def doubts_of(model: Model, store: Store) -> Doubts:
    """The suspects among the samples that `model` was trained on, by their out-of-fold answers."""
    unseen = json.loads(store.get(model.files[UNSEEN]))
    digests: Sequence[str] = unseen["digests"]
    if unseen["answers"] and isinstance(unseen["truth"][0], list):
        found = [box_doubt(*pair) for pair in zip(unseen["truth"], unseen["answers"], strict=True)]
        return {
            digest: ("", doubt) for digest, doubt in zip(digests, found, strict=True) if doubt > 0
        }
    labels = np.asarray(unseen["truth"], np.int64)
    rows = np.flatnonzero(labels >= 0)
    if not len(rows):
        return {}
    scores = np.asarray(unseen["answers"], np.float64)[rows]
    suggested, doubts = label_doubts(labels[rows], scores)
    return {
        digests[row]: (model.labels[label], float(doubt))
        for row, label, doubt in zip(rows, suggested, doubts, strict=True)
        if doubt > 0
    }


def label_doubts(labels: NDArray[np.int64], scores: Floats) -> tuple[NDArray[np.int64], Floats]:
    """The suggested label of each sample, and the doubt in its label, 0 where there is none.

    `labels` [n]: as annotated; `scores` [n, labels]: out-of-fold. A label's threshold is its mean
    score among its own samples. A sample is a suspect if another label's score is farthest above
    (or least below) its threshold; the doubt is one less the score of its own label, which found
    more planted faults than the margin between both (tests/benchmarks/suspects.py).
    The paper counts only scores that reach the threshold: that is stricter than a list needs which
    a person reads from the top."""
    count = scores.shape[1]
    own = scores[np.arange(len(labels)), labels]
    sums = np.bincount(labels, weights=own, minlength=count)
    sizes = np.bincount(labels, minlength=count)
    thresholds = np.where(sizes > 0, sums / np.maximum(sizes, 1), np.inf)
    suggested = (scores - thresholds).argmax(axis=1)
    return suggested, np.where(suggested != labels, np.clip(1 - own, 0.0, 1.0), 0.0)


def box_doubt(truth: Sequence[Sequence[Any]], answers: Sequence[Sequence[Any]]) -> float:
    """The doubt in the boxes of one picture: that of the answer which contradicts them most.
    `truth`: [left, top, right, bottom, label's index]; `answers`: [left, top, right, bottom, score,
    label's index]."""
    true = np.asarray(truth, np.float64).reshape(-1, 5)
    found = np.asarray(answers, np.float64).reshape(-1, 6)
    shared = overlaps(true[:, :4], found[:, :4])  # [true boxes, answers]
    is_same_label = true[:, 4][:, None] == found[:, 5]
    own = np.where((shared >= SAME) & is_same_label, found[:, 4], 0.0).max(axis=1, initial=0.0)
    sure = np.flatnonzero(found[:, 4] >= SURE)
    doubts = [_answer_doubt(found[k, 4], shared[:, k], is_same_label[:, k], own) for k in sure]
    return max(doubts, default=0.0)


def _answer_doubt(
    score: float, shared: Floats, is_same_label: NDArray[np.bool_], own: Floats
) -> float:
    """How far an answer of that `score` contradicts the true boxes, 0 to 1. Of each true box:
    `shared`, its overlap with the answer; `is_same_label`, whether their labels are the same;
    `own`, the highest score of an answer with its label at its place."""
    with_own_label = np.where(is_same_label, shared, 0.0)
    nearest = float(with_own_label.max(initial=0.0))
    if nearest >= SAME:
        return 0.0
    if shared.max(initial=0.0) >= SAME:  # swapped, unless the model finds the true label there, too
        return float(score * (1.0 - own[shared.argmax()]))
    if nearest < NEAR:  # overlooked
        return float(score)
    # Badly placed, unless the model finds the true box, too. That there is an object is agreed, so
    # the score does not matter.
    place = (nearest - NEAR) / (SAME - NEAR)
    return 1.0 - max(place, float(own[with_own_label.argmax()]))
