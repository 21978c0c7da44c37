"""Predicts from a learning curve what more samples would bring: the gain in recall, overall and of
each label."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from stages.metrics.power_law import PowerLaw, fitted
from stages.train.heads.learning_curve import Curve
from stages.train.search.selection import DECIMALS

FACTOR = 2  # the prediction is for so many times as many samples of every label
RESAMPLES = 1000  # of the bootstrap from which intervals are computed

Indices = NDArray[np.int64]
Numbers = NDArray[np.float64]


class Gains(NamedTuple):
    """The gain that FACTOR times as many samples would bring: in mean recall, [1 + resamples], and
    in each label's recall, [1 + resamples, labels]; the first row is that of the measured curve."""

    mean: Numbers
    labels: Numbers


def growth(curve: Curve, labels: Sequence[str], seed: int = 0) -> dict[str, Any]:
    """`curve` and its extrapolation by a power law, as a record that JSON can hold: points and
    gains with 95 % bootstrap intervals, over validation samples and over the seeds that chose
    training samples.

    `labels`: the names of all label indices; labels without validation samples are left out."""
    validated = np.unique(curve.labels)
    recalls = _resampled(curve, validated, seed)
    means = recalls.mean(axis=2)
    gains = _gains(curve.sizes[:, validated], recalls)
    total_sizes = curve.sizes[:, validated].sum(axis=1)
    named = [labels[index] for index in validated]
    law = fitted(total_sizes, 1 - means[0])
    return {
        "metric": "balanced_accuracy",
        "seeds": curve.right.shape[1],
        "samples": len(curve.labels),
        "wrong": _rounded((~curve.right[-1]).sum(axis=1).mean()),
        "points": [
            {"share": share, "samples": round(float(size), 1), **_interval(means[:, index])}
            for index, (share, size) in enumerate(zip(curve.shares, total_sizes, strict=True))
        ],
        "law": {
            "floor": _rounded(law.floor),
            "scale": _rounded(law.scale),
            "rate": _rounded(law.rate),
        },
        "factor": FACTOR,
        "gain": _interval(gains.mean),
        "labels": {label: _interval(gains.labels[:, index]) for index, label in enumerate(named)},
        "first": _largest_gain(gains.labels, named),
    }


def _resampled(curve: Curve, labels: Indices, seed: int) -> Numbers:
    """The recall of each of `labels` at each share of the training data, [1 + resamples, shares,
    labels]; the first is as measured. Whole groups are resampled, and seeds too."""
    rng = np.random.default_rng(seed)
    groups, index = np.unique(curve.groups, return_inverse=True)
    draws = rng.multinomial(len(groups), np.full(len(groups), 1 / len(groups)), size=RESAMPLES)
    seeds = curve.right.shape[1]
    seed_draws = rng.multinomial(seeds, np.full(seeds, 1 / seeds), size=RESAMPLES) / seeds
    weights = np.vstack([np.ones(len(groups)), draws])[:, index]
    seed_weights = np.vstack([np.full(seeds, 1 / seeds), seed_draws])
    return np.stack([_recalls(curve, label, weights, seed_weights) for label in labels], axis=2)


def _recalls(curve: Curve, label: int, weights: Numbers, seed_weights: Numbers) -> Numbers:
    """The recall of `label`, [1 + resamples, shares]; as measured in a resample without its
    samples. `weights` [1 + resamples, samples] and `seed_weights` [1 + resamples, seeds]: of each
    resample."""
    of_label = curve.labels == label
    row_weights = weights[:, of_label]
    row_weights = np.where(row_weights.sum(axis=1, keepdims=True) > 0, row_weights, 1.0)
    share = row_weights / row_weights.sum(axis=1, keepdims=True)
    recognized = np.einsum("rn,psn->rps", share, curve.right[:, :, of_label].astype(np.float64))
    return np.asarray(np.einsum("rps,rs->rp", recognized, seed_weights))


def _gains(sizes: Numbers, recalls: Numbers) -> Gains:
    """The gains from `recalls` [1 + resamples, shares, labels], by a power law for all labels
    together and one for each. `sizes` [shares, labels]: numbers of training samples."""
    total_sizes = sizes.sum(axis=1)
    mean = _gain(fitted(total_sizes, 1 - recalls.mean(axis=2)), total_sizes[-1])
    gains = [
        _gain(fitted(label_sizes, 1 - recalls[:, :, label]), label_sizes[-1])
        for label, label_sizes in enumerate(sizes.T)
    ]
    return Gains(mean, np.stack(gains, axis=1))


def _gain(law: PowerLaw, size: float) -> Numbers:
    return np.asarray(law.at(size) - law.at(FACTOR * size))


def _largest_gain(gains: Numbers, labels: Sequence[str]) -> dict[str, Any]:
    """The label with the largest gain, and in which share of the resamples it is the same one.
    `gains`: [1 + resamples, labels]."""
    best = int(gains[0].argmax())
    sure = float((gains[1:].argmax(axis=1) == best).mean())
    return {"label": labels[best], "sure": round(sure, DECIMALS)}


def _interval(values: Numbers) -> dict[str, float]:
    """The first of `values` [1 + resamples] with the bounds that contain 95 % of the others, and
    itself."""
    low, high = np.quantile(values[1:], [0.025, 0.975])
    value = values[0]
    return {
        "value": _rounded(value),
        "low": _rounded(min(low, value)),
        "high": _rounded(max(high, value)),
    }


def _rounded(value: Any) -> float:
    return round(float(value), DECIMALS)
