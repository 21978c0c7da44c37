"""What a learning curve predicts for more samples: the gain in recall, overall and of each
label."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from stages.metrics.power_law import PowerLaw, fitted
from stages.train.heads.learning_curve import Curve
from stages.train.search.selection import DECIMALS

FACTOR = 2  # times as many samples of every label
RESAMPLES = 1000

Indices = NDArray[np.int64]
Numbers = NDArray[np.float64]


class Gains(NamedTuple):
    """The gain of FACTOR times as many samples: in mean recall [resamples] and in each label's
    recall [resamples, labels]; the first row is as measured."""

    mean: Numbers
    labels: Numbers


def growth(curve: Curve, labels: Sequence[str], seed: int = 0) -> dict[str, Any]:
    """`curve` and its extrapolation, as JSON: points and gains with 95 % intervals, which cover
    other draws of validation samples and of training samples.

    `labels`: of all indices; those without validation samples are left out."""
    validated = np.unique(curve.labels)
    recalls = _resampled(curve, validated, seed)
    means = recalls.mean(axis=2)
    gains = _gains(curve.sizes[:, validated], recalls)
    whole = curve.sizes[:, validated].sum(axis=1)
    named = [labels[index] for index in validated]
    law = fitted(whole, 1 - means[0])
    return {
        "metric": "balanced_accuracy",
        "seeds": curve.right.shape[1],
        "samples": len(curve.labels),
        "wrong": _short((~curve.right[-1]).sum(axis=1).mean()),
        "points": [
            {"share": share, "samples": round(float(size), 1), **_interval(means[:, place])}
            for place, (share, size) in enumerate(zip(curve.shares, whole, strict=True))
        ],
        "law": {"floor": _short(law.floor), "scale": _short(law.scale), "rate": _short(law.rate)},
        "factor": FACTOR,
        "gain": _interval(gains.mean),
        "labels": {label: _interval(gains.labels[:, place]) for place, label in enumerate(named)},
        "first": _first(gains.labels, named),
    }


def _resampled(curve: Curve, labels: Indices, seed: int) -> Numbers:
    """The recall of each of `labels`, [1 + resamples, shares, labels]; the first as measured.
    Groups are resampled whole, and seeds with them."""
    rng = np.random.default_rng(seed)
    groups, place = np.unique(curve.groups, return_inverse=True)
    draws = rng.multinomial(len(groups), np.full(len(groups), 1 / len(groups)), size=RESAMPLES)
    seeds = curve.right.shape[1]
    of_seeds = rng.multinomial(seeds, np.full(seeds, 1 / seeds), size=RESAMPLES) / seeds
    weights = np.vstack([np.ones(len(groups)), draws])[:, place]
    mixes = np.vstack([np.full(seeds, 1 / seeds), of_seeds])
    return np.stack([_recalls(curve, label, weights, mixes) for label in labels], axis=2)


def _recalls(curve: Curve, label: int, weights: Numbers, mixes: Numbers) -> Numbers:
    """[1 + resamples, shares]; where a resample has no sample of `label`, as measured."""
    of_label = curve.labels == label
    row_weights = weights[:, of_label]
    row_weights = np.where(row_weights.sum(axis=1, keepdims=True) > 0, row_weights, 1.0)
    share = row_weights / row_weights.sum(axis=1, keepdims=True)
    recognized = np.einsum("rn,psn->rps", share, curve.right[:, :, of_label].astype(np.float64))
    return np.asarray(np.einsum("rps,rs->rp", recognized, mixes))


def _gains(sizes: Numbers, recalls: Numbers) -> Gains:
    """`sizes` [shares, labels]: numbers of training samples."""
    whole = sizes.sum(axis=1)
    mean = _gain(fitted(whole, 1 - recalls.mean(axis=2)), whole[-1])
    gains = [
        _gain(fitted(each, 1 - recalls[:, :, label]), each[-1])
        for label, each in enumerate(sizes.T)
    ]
    return Gains(mean, np.stack(gains, axis=1))


def _gain(law: PowerLaw, size: float) -> Numbers:
    return np.asarray(law.at(size) - law.at(FACTOR * size))


def _first(gains: Numbers, labels: Sequence[str]) -> dict[str, Any]:
    """The label that gains most, and in which share of the resamples it does."""
    best = int(gains[0].argmax())
    sure = float((gains[1:].argmax(axis=1) == best).mean())
    return {"label": labels[best], "sure": round(sure, DECIMALS)}


def _interval(values: Numbers) -> dict[str, float]:
    """The first of `values` with the bounds that hold 95 % of the others."""
    low, high = np.quantile(values[1:], [0.025, 0.975])
    value = values[0]
    return {
        "value": _short(value),
        "low": _short(min(low, value)),
        "high": _short(max(high, value)),
    }


def _short(value: Any) -> float:
    return round(float(value), DECIMALS)
