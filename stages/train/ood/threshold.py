"""Calibrates the threshold beyond which a sample is rejected, on samples and kinds of negatives
that were not trained on."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stages.artifacts import Step

USUAL_COST = 0.005  # share of the known samples that may turn from right to rejected in any case
MAX_COST = 0.01  # and the share that may if too many unknown samples were accepted otherwise
DECIMALS = 4  # of the threshold and of shares
Logits = NDArray[np.float32]
Truth = NDArray[np.int64]


@dataclass(frozen=True)
class Reject:
    """The rejection of unknown samples: a sample is rejected if the logit of the label index
    `other` exceeds all others' by more than `threshold`.

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
        """All fields but `other`, for a Model's record of its selection."""
        return {name: value for name, value in asdict(self).items() if name != "other"}


def calibrate(logits: Logits, truth: Truth, other: int, wanted: float) -> Reject:
    """The lowest threshold that rejects at most a share of USUAL_COST of the known samples that are
    right: real unknown samples are nearer to known ones than any generated kind, so it does not
    suffice to reject these. If that accepts more than a share of `wanted` of the unknown samples, a
    lower one, which rejects at most a share of MAX_COST.

    `logits` [n, labels] and `truth` [n]: out-of-fold predictions, of kinds of negatives, too, that
    were not trained on."""
    lead = leads(logits, other)
    unknown = truth == other
    right = ~unknown & (_best_known(logits, other) == truth)
    known = int((~unknown).sum())
    usual_limit, lowest = (
        _threshold_costing(lead[right], known, cost) for cost in (USUAL_COST, MAX_COST)
    )
    threshold = max(min(_threshold_accepting(lead[unknown], wanted), usual_limit), lowest)
    return Reject(
        other=other,
        threshold=threshold,
        wanted=wanted,
        false_accepts=_share(lead[unknown] <= threshold),
        cost=round(float((lead[right] > threshold).sum() / max(1, known)), DECIMALS),
        unknown=int(unknown.sum()),
        known=known,
    )


def leads(logits: Logits, other: int) -> NDArray[np.float64]:
    """By how much the logit of `other` exceeds the best of the other labels, [n]."""
    wide = logits.astype(np.float64)
    best: NDArray[np.float64] = np.delete(wide, other, axis=1).max(axis=1)
    return wide[:, other] - best


def _best_known(logits: Logits, other: int) -> Truth:
    """The label index with the highest logit but `other`, [n]."""
    known = logits.astype(np.float64)
    known[:, other] = -np.inf
    return np.asarray(known.argmax(axis=1), np.int64)


def _threshold_accepting(lead: NDArray[np.float64], wanted: float) -> float:
    """The highest threshold with at most a share of `wanted` of `lead` [unknown samples] at or
    below it; infinite without samples."""
    if not len(lead):
        return float("inf")
    ordered = np.sort(lead)
    below = int(wanted * len(ordered))
    return _round_down(ordered[below]) if below < len(ordered) else _round_up(ordered[-1])


def _threshold_costing(lead: NDArray[np.float64], known: int, cost: float) -> float:
    """The lowest threshold above which are at most a share of `cost` of `known` samples. `lead`: of
    those that are right; 0 without any."""
    if not len(lead):
        return 0.0
    ordered = np.sort(lead)[::-1]
    return _round_up(ordered[min(int(cost * known), len(ordered) - 1)])


def _round_up(value: float) -> float:
    """`value` rounded up to DECIMALS."""
    return float(np.ceil(value * 10**DECIMALS) / 10**DECIMALS)


def _round_down(value: float) -> float:
    """The largest number with DECIMALS that is below `value`."""
    return float((np.ceil(value * 10**DECIMALS) - 1) / 10**DECIMALS)


def _share(rows: NDArray[np.bool_]) -> float:
    return round(float(rows.mean()), DECIMALS) if len(rows) else 0.0
