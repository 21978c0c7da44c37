"""The threshold that rejects a sample, chosen on samples and kinds of negatives that were not
trained on."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stages.artifacts import Step

COST = 0.005  # share of the known samples that may always turn from right to rejected
MOST_COST = 0.01  # and the share that may, to accept fewer unknown samples
DECIMALS = 4
Logits = NDArray[np.float32]
Truth = NDArray[np.int64]


@dataclass(frozen=True)
class Reject:
    """A sample is rejected if the logit of `other` exceeds all others' by more than `threshold`.

    `false_accepts`: share of held-out unknown samples that are accepted as known, `wanted`: the
    share that was asked for; `cost`: share of known samples that are right without the threshold
    and are rejected with it; `unknown`, `known`: numbers of samples."""

    other: int
    threshold: float
    wanted: float
    false_accepts: float
    cost: float
    unknown: int
    known: int

    @property
    def step(self) -> Step:
        """The rejection as a step on logits."""
        return Step(step="reject", args={"other": self.other, "threshold": self.threshold})

    @property
    def record(self) -> dict[str, Any]:
        return {name: value for name, value in asdict(self).items() if name != "other"}


def calibrated(logits: Logits, truth: Truth, other: int, wanted: float) -> Reject:
    """The lowest threshold that rejects at most COST of the known samples that are right: real
    unknown samples are nearer to known ones than any generated kind, so that rejecting these is not
    enough. A lower one, down to MOST_COST, if more than a share of `wanted` of the unknown samples
    are accepted.

    `logits` [n, labels] and `truth` [n]: out-of-fold predictions, of kinds of negatives, too, that
    were not trained on."""
    lead = leads(logits, other)
    unknown = truth == other
    right = ~unknown & (_best_known(logits, other) == truth)
    known = int((~unknown).sum())
    cheap, dear = (_costing(lead[right], known, cost) for cost in (COST, MOST_COST))
    threshold = max(min(_at_most(lead[unknown], wanted), cheap), dear)
    return Reject(
        other,
        threshold,
        wanted,
        _share(lead[unknown] <= threshold),
        round(float((lead[right] > threshold).sum() / max(1, known)), DECIMALS),
        int(unknown.sum()),
        known,
    )


def leads(logits: Logits, other: int) -> NDArray[np.float64]:
    """By how much the logit of `other` exceeds the best of the other labels, [n]."""
    wide = logits.astype(np.float64)
    best: NDArray[np.float64] = np.delete(wide, other, axis=1).max(axis=1)
    return wide[:, other] - best


def _best_known(logits: Logits, other: int) -> Truth:
    known = logits.astype(np.float64)
    known[:, other] = -np.inf
    return np.asarray(known.argmax(axis=1), np.int64)


def _at_most(lead: NDArray[np.float64], wanted: float) -> float:
    """The largest threshold with at most a share of `wanted` of `lead` at or below it."""
    if not len(lead):
        return float("inf")
    ordered = np.sort(lead)
    below = int(wanted * len(ordered))
    return _down(ordered[below]) if below < len(ordered) else _up(ordered[-1])


def _costing(lead: NDArray[np.float64], known: int, cost: float) -> float:
    """The smallest threshold with at most a share of `cost` of `known` samples above it."""
    if not len(lead):
        return 0.0
    ordered = np.sort(lead)[::-1]
    return _up(ordered[min(int(cost * known), len(ordered) - 1)])


def _up(value: float) -> float:
    """`value` with few digits, not below it."""
    return float(np.ceil(value * 10**DECIMALS) / 10**DECIMALS)


def _down(value: float) -> float:
    """A number with few digits, below `value`."""
    return float((np.ceil(value * 10**DECIMALS) - 1) / 10**DECIMALS)


def _share(rows: NDArray[np.bool_]) -> float:
    return round(float(rows.mean()), DECIMALS) if len(rows) else 0.0
