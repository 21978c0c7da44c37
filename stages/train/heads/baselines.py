"""Compares the chosen trial with the best trial of each other input, on the held-out samples for
which both have out-of-fold predictions."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from stages.artifacts import Measure
from stages.config import TrainConfig
from stages.metrics import balanced_drop, loss_rise, paired_drop
from stages.metrics.clusters import Clusters
from stages.models.arrays import unpack_arrays
from stages.train.heads.problem import Problem
from stages.train.heads.scores import log_losses, measures
from stages.train.search.selection import DECIMALS, choose, result_of
from stages.train.search.successive_halving import Trial

Indices = NDArray[np.int64]
Logits = NDArray[np.float32]


class OutOfFoldLogits(NamedTuple):
    """A trial's out-of-fold predictions: `rows` [n], indices of the problem's rows, ascending, and
    their `logits` [n, labels]."""

    rows: Indices
    logits: Logits

    def of(self, rows: Indices) -> Logits:
        """The logits of `rows` [m], which have to be among this trial's: [m, labels]."""
        return self.logits[np.searchsorted(self.rows, rows)]


def baselines(
    trials: Sequence[Trial], chosen: Trial, config: TrainConfig, problem: Problem
) -> list[dict[str, Any]]:
    """A record of the comparison of `chosen` with the best trial of each other input, and of its
    own input in another phase or as a student; the best baseline first.

    "gain" is the difference in `train.metric` (for log loss, how much lower it is), with a 95 %
    interval over the groups that the data names; "verdict" is on `chosen`. All trials were selected
    on these same samples, so a small gain is optimistic."""
    best_baselines = _baselines(trials, chosen, config, problem.samples)
    return [comparison(chosen, baseline, config.metric, problem) for baseline in best_baselines]


def _baselines(
    trials: Sequence[Trial], chosen: Trial, config: TrainConfig, samples: int
) -> list[Trial]:
    groups: dict[tuple[int, str, str], list[Trial]] = {}
    for trial in trials:
        groups.setdefault(_group(trial), []).append(trial)
    groups.pop(_group(chosen), None)
    best = [choose(group, config, samples) for group in groups.values()]
    return sorted(best, key=lambda trial: trial.rank)


def _group(trial: Trial) -> tuple[int, str, str]:
    return trial.phase, trial.input, _training(trial)


def _training(trial: Trial) -> str:
    """What a student is, such as "distilled"; empty for other trials."""
    return str(trial.hyperparameters.get("training", ""))


def comparison(chosen: Trial, baseline: Trial, metric: str, problem: Problem) -> dict[str, Any]:
    """The record of the comparison of `chosen` with `baseline`; see `baselines`."""
    chosen_logits, baseline_logits = _logits_of(chosen), _logits_of(baseline)
    rows = np.intersect1d(chosen_logits.rows, baseline_logits.rows)
    rows = rows[problem.labels[rows] != problem.rejected]
    truth, chosen_rows, baseline_rows = (
        problem.labels[rows],
        chosen_logits.of(rows),
        baseline_logits.of(rows),
    )
    gain = _gain(metric, truth, chosen_rows, baseline_rows, problem.clusters(rows))
    return {
        "trial": baseline.number,
        "phase": baseline.phase,
        "input": baseline.input,
        "chosen": round(measures(chosen_rows, truth)[metric], DECIMALS),
        "rival": round(measures(baseline_rows, truth)[metric], DECIMALS),
        "samples": len(rows),
        **gain_record(gain),
    } | ({"training": _training(baseline)} if _training(baseline) else {})


def _logits_of(trial: Trial) -> OutOfFoldLogits:
    arrays = unpack_arrays(result_of(trial).arrays)
    return OutOfFoldLogits(
        np.asarray(arrays["rows"], np.int64), np.asarray(arrays["logits"], np.float32)
    )


def _gain(
    metric: str, truth: Indices, ours: Logits, theirs: Logits, clusters: Clusters | None
) -> Measure:
    if metric == "log_loss":
        return loss_rise(log_losses(ours, truth), log_losses(theirs, truth), clusters=clusters)
    drop = paired_drop if metric == "accuracy" else balanced_drop
    return drop(truth, ours, theirs, clusters)


def gain_record(gain: Measure) -> dict[str, Any]:
    """The record of `gain`, the difference between two trials: with its interval, and the
    verdict."""
    bounds = {name: round(getattr(gain, name), DECIMALS) for name in ("value", "low", "high")}
    return {"gain": bounds, "verdict": verdict(gain)}


def verdict(gain: Measure) -> str:
    """'better' or 'worse' if the interval of `gain` excludes zero, else 'undecided'."""
    return "better" if gain.low > 0 else "worse" if gain.high < 0 else "undecided"
