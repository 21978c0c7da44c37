"""Is the chosen trial better than the best of the other inputs? Told in pairs, on the very samples
that both were judged on and neither had seen."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from stages.artifacts import Measure
from stages.config import TrainConfig
from stages.metrics import balanced_drop, loss_rise, paired_drop
from stages.models.arrays import unpack_arrays
from stages.train.heads.problem import Problem
from stages.train.heads.scores import log_losses, measures
from stages.train.search.selection import DECIMALS, choose, result_of
from stages.train.search.successive_halving import Trial

Indices = NDArray[np.int64]
Logits = NDArray[np.float32]


class HeldOutLogits(NamedTuple):
    """What a trial said of rows that it had not seen: their numbers, ascending, and logits."""

    rows: Indices
    logits: Logits

    def of(self, rows: Indices) -> Logits:
        """The logits of `rows`, all of them its own."""
        return self.logits[np.searchsorted(self.rows, rows)]


def baselines(
    trials: Sequence[Trial], chosen: Trial, train: TrainConfig, problem: Problem
) -> list[dict[str, Any]]:
    """`chosen` against the best trial of each other input, and of each other phase; the best first.

    A gain is in `train.metric` (of log loss, how much lower it is), with a
    95 % interval; the verdict is on `chosen`. As all were picked on these samples, too, a small
    gain flatters the one that won."""
    others = _baselines(trials, chosen, train, problem.samples)
    return [_against(chosen, rival, train.metric, problem) for rival in others]


def _baselines(
    trials: Sequence[Trial], chosen: Trial, train: TrainConfig, samples: int
) -> list[Trial]:
    groups: dict[tuple[int, str], list[Trial]] = {}
    for trial in trials:
        groups.setdefault(_group(trial), []).append(trial)
    groups.pop(_group(chosen), None)
    best = [choose(group, train, samples) for group in groups.values()]
    return sorted(best, key=lambda trial: trial.rank)


def _group(trial: Trial) -> tuple[int, str]:
    return trial.phase, trial.input


def _against(chosen: Trial, rival: Trial, metric: str, problem: Problem) -> dict[str, Any]:
    one, other = _heard(chosen), _heard(rival)
    rows = np.intersect1d(one.rows, other.rows)
    rows = rows[problem.labels[rows] != problem.rejected]
    truth, ours, theirs = problem.labels[rows], one.of(rows), other.of(rows)
    gain = _gain(metric, truth, ours, theirs)
    return {
        "trial": rival.number,
        "phase": rival.phase,
        "input": rival.input,
        "chosen": round(measures(ours, truth)[metric], DECIMALS),
        "rival": round(measures(theirs, truth)[metric], DECIMALS),
        "gain": {name: round(getattr(gain, name), DECIMALS) for name in ("value", "low", "high")},
        "samples": len(rows),
        "verdict": verdict(gain),
    }


def _heard(trial: Trial) -> HeldOutLogits:
    arrays = unpack_arrays(result_of(trial).arrays)
    return HeldOutLogits(
        np.asarray(arrays["rows"], np.int64), np.asarray(arrays["logits"], np.float32)
    )


def _gain(metric: str, truth: Indices, ours: Logits, theirs: Logits) -> Measure:
    if metric == "log_loss":
        return loss_rise(log_losses(ours, truth), log_losses(theirs, truth))
    drop = paired_drop if metric == "accuracy" else balanced_drop
    return drop(truth, ours, theirs)


def verdict(gain: Measure) -> str:
    """On the one that gained: 'better' or 'worse' if the interval says so, else 'undecided'."""
    return "better" if gain.low > 0 else "worse" if gain.high < 0 else "undecided"
