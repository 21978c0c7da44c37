"""Replaces the intervals of independent samples by those over groups of samples (clusters.py)."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from stages.artifacts import Measure
from stages.metrics.clusters import Clusters, design, design_effects, widened
from stages.metrics.intervals import f1_of
from stages.metrics.macro import MACRO
from stages.metrics.size import samples_to_narrow

SHARES = ("accuracy", "micro_precision", "micro_recall", "micro_f1")

Indices = NDArray[np.int64]
Numbers = NDArray[np.float64]
Measures = dict[str, Measure]


def over_groups(
    truth: Indices,
    answers: Indices,
    overall: Mapping[str, Measure],
    reported: Sequence[int],
    clusters: Clusters,
) -> Measures:
    """The shares and means in `overall` with intervals over `clusters`; `truth` and `answers` are
    label indices [n], `reported` the labels that macro means are over."""
    found = design(truth == answers, clusters)
    accuracy = widened(overall["accuracy"], found.effective)
    effects = design_effects(_influence(truth, answers, reported), clusters)
    means = {
        name: _mean(overall[name], float(effect) * found.scarcity, found.least)
        for name, effect in zip(MACRO, effects, strict=True)
    }
    return dict.fromkeys(SHARES, accuracy) | means


def labels_over_groups(
    truth: Indices, answers: Indices, each: Mapping[int, Measures], clusters: Clusters
) -> dict[int, Measures]:
    """Precision, recall and F1 of each label in `each`, by its index, with intervals over the
    `clusters` of the samples that they count."""
    have, get = _rows_by_label(truth), _rows_by_label(answers)
    none = np.zeros(0, np.int64)
    hits = truth == answers
    found = {}
    for label, measures in each.items():
        true, predicted = have.get(label, none), get.get(label, none)
        rows = {"recall": true, "precision": predicted, "f1": np.union1d(true, predicted)}
        found[label] = measures | {
            name: _share(measures[name], hits[mine], clusters.of(mine), name)
            for name, mine in rows.items()
            if len(mine)
        }
    return found


def _share(plain: Measure, hits: NDArray[np.bool_], clusters: Clusters, name: str) -> Measure:
    effective = design(hits, clusters).effective
    if effective >= len(hits):
        return plain
    if name != "f1":
        return widened(plain, effective)
    value = float(hits.mean())
    joint = Measure(value=value, low=value, high=value, n=len(hits))
    return f1_of(widened(joint, effective))


def _rows_by_label(labels: Indices) -> dict[int, Indices]:
    """The rows that have each label."""
    order = np.argsort(labels, kind="stable")
    names, starts = np.unique(labels[order], return_index=True)
    parts = np.split(order, starts[1:])
    return {int(name): part for name, part in zip(names, parts, strict=True)}


def _mean(plain: Measure, effect: float, least: float) -> Measure:
    """`plain` with its variance raised by `effect`; never as if of fewer than `least` samples."""
    if effect <= 1:
        return plain
    worth = samples_to_narrow(plain.value, (plain.high - plain.low) / 2)
    return widened(plain, min(max(worth / effect, least), worth))


def _influence(truth: Indices, answers: Indices, reported: Sequence[int]) -> Numbers:
    """The influence of each sample on each mean in MACRO, [4, n]."""
    labels = int(max(truth.max(), answers.max())) + 1
    hit = (truth == answers).astype(np.float64)
    has, gets = np.bincount(truth, minlength=labels), np.bincount(answers, minlength=labels)
    right = np.bincount(truth, hit, labels)
    occurring = (has + gets > 0) & np.isin(np.arange(labels), reported)
    own = occurring / max(occurring.sum(), 1)
    true = (has > 0) / max((has > 0).sum(), 1)
    recall, precision = right / np.maximum(has, 1), right / np.maximum(gets, 1)
    both = np.maximum(has + gets, 1)
    f1 = 2 * right / both
    recalled = (hit - recall[truth]) / np.maximum(has, 1)[truth]
    return np.stack(
        [
            own[answers] * (hit - precision[answers]) / np.maximum(gets, 1)[answers],
            own[truth] * recalled,
            own[truth] * (2 * hit - f1[truth]) / both[truth]
            - own[answers] * f1[answers] / both[answers],
            true[truth] * recalled,
        ]
    )
