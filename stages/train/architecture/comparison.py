"""Compares what was searched with what was designed by hand and with the baselines, at equal cost,
on the samples that trials are selected by: the record in a Model."""

from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any

import numpy as np

from stages.artifacts import Measure
from stages.config import TrainConfig
from stages.config.train import FOUND
from stages.metrics import measure
from stages.metrics.over_seeds import over_seeds
from stages.models.arrays import unpack_arrays
from stages.train.architecture.hand_designs import OPERATIONS
from stages.train.architecture.repeats import (
    RepeatedNetwork,
    choose_repeated,
    repeated_networks,
    without_teacher,
)
from stages.train.cost.minutes import Minutes
from stages.train.distillation.search_teacher import teacher_measures
from stages.train.heads.baselines import comparison, gain_record
from stages.train.heads.problem import Problem
from stages.train.search.selection import DECIMALS, result_of
from stages.train.search.successive_halving import Trial

VERDICTS = ("worse", "undecided", "better")  # of a comparison, the hardest rival first
Comparison = Mapping[str, Any]  # as `baselines.comparison` records it


def architecture_record(
    trials: Sequence[Trial], config: TrainConfig, problem: Problem, minutes: Minutes
) -> dict[str, Any]:
    """The record of a search: for each arm its trials, computed minutes and the best one's metric
    with a 95 % interval, in the mean over its seeds; the gain of the controller's best network over
    the best of each other arm, with a 95 % interval; the verdict; with a teacher what it
    brought."""
    best = {each.arm: each for each in repeated_networks(trials, config, problem.samples)}
    arms = {name: [each for each in trials if each.hyperparameters["arm"] == name] for name in best}
    searched = best.get(config.controller)
    gains = {
        name: _compared(searched, network, config.metric, problem)
        for name, network in best.items()
        if searched and name != config.controller
    }
    return {
        "controller": config.controller,
        "seeds": max(len(network.trials) for network in best.values()),
        "arms": {
            name: {
                "trials": len(each),
                "minutes": round(sum(map(minutes, each)), DECIMALS),
                **_measures_of(best[name], config.metric, problem),
            }
            for name, each in arms.items()
        },
        "gains": {name: gain["gain"] for name, gain in gains.items()},
        "verdict": verdict(gains),
        **_distillation_record(list(best.values()), without_teacher(trials), config, problem),
    }


def _measures_of(network: RepeatedNetwork, metric: str, problem: Problem) -> dict[str, Any]:
    """The `metric` of `network` in the mean over its seeds, and its interval."""
    found = over_seeds([_measured(trial, metric, problem) for trial in network.trials])
    value = fmean(result_of(trial).measures[metric] for trial in network.trials)
    return {metric: round(value, DECIMALS), "interval": _bounds(found)}


def _compared(
    ours: RepeatedNetwork, theirs: RepeatedNetwork, metric: str, problem: Problem
) -> dict[str, Any]:
    """The gain of `ours` over `theirs` in the mean over pairs of their seeds, and the verdict."""
    pairs = zip(ours.trials, theirs.trials, strict=False)
    gains = [comparison(*pair, metric, problem)["gain"] for pair in pairs]
    return gain_record(over_seeds([Measure(**gain, n=problem.samples) for gain in gains]))


def _distillation_record(
    best: Sequence[RepeatedNetwork],
    alone: Sequence[RepeatedNetwork],
    config: TrainConfig,
    problem: Problem,
) -> dict[str, Any]:
    """The record of the teacher: its measure on held-out samples, and the gain of the best network
    with it over the same network without, which is `alone`, at equal epochs; empty without a
    teacher."""
    if not alone or config.distils is None:
        return {}
    student, [without] = choose_repeated(best, config, problem.samples), alone
    return {
        "distillation": {
            "teacher": config.distils.teacher,
            "of_teacher": teacher_measures(problem)[config.metric],
            "with": _measures_of(student, config.metric, problem),
            "without": _measures_of(without, config.metric, problem),
            **_compared(student, without, config.metric, problem),
        }
    }


def verdict(gains: Mapping[str, Comparison]) -> str:
    """What the intervals of `gains`, the comparisons of the searched network with those of other
    arms, say: on the hand designs, then on random search and on found networks."""
    baselines = [name for name in gains if name == "random" or name.startswith(FOUND)]
    own = [
        f"{_nearest(name)}: {_figures(gains[name])}" for name in baselines if not _wins(gains[name])
    ]
    return ". ".join([_over_hand_designs(gains), *own])


def _over_hand_designs(gains: Mapping[str, Comparison]) -> str:
    by_hand = {name: gain for name, gain in gains.items() if name in OPERATIONS}
    if not by_hand:
        return "There is no hand design to compare with: none keeps the limits, or had a trial"
    name, least = min(by_hand.items(), key=_hardness)
    figures = f"gain over the hand design '{name}' {_figures(least)}"
    if _wins(least):
        return f"The searched network is better: {figures}"
    if least["verdict"] == "worse":
        return f"Do not search: the hand design is better: {figures}"
    return f"Do not search: the hand design is within the interval: {figures}"


def _hardness(named: tuple[str, Comparison]) -> tuple[int, float]:
    """The sort key that puts the arm first that is hardest to beat: by the verdict, and then by the
    gain, as an arm with a smaller gain may have a wider interval."""
    gain = named[1]
    return VERDICTS.index(gain["verdict"]), gain["gain"]["value"]


def _nearest(name: str) -> str:
    if name == "random":
        return "The controller is not better than random search"
    return f"A new search is not better than {name}"


def _wins(gain: Comparison) -> bool:
    return bool(gain["verdict"] == "better")


def _figures(gain: Comparison) -> str:
    value, low, high = (gain["gain"][part] for part in ("value", "low", "high"))
    return f"{value:+.3f} ({low:+.3f} to {high:+.3f})"


def _measured(trial: Trial, metric: str, problem: Problem) -> Measure:
    """The `metric` of `trial` on its held-out samples, with a 95 % interval."""
    arrays = unpack_arrays(result_of(trial).arrays)
    truth = problem.labels[arrays["rows"]]
    is_labelled = truth != problem.rejected
    logits = arrays["logits"][is_labelled].astype(np.float64)
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    scores = powers / powers.sum(axis=1, keepdims=True)
    names = [str(label) for label in range(problem.classes)]
    groups = problem.group_names(arrays["rows"][is_labelled])
    return measure(truth[is_labelled], scores, names, groups=groups).overall[metric]


def _bounds(found: Measure) -> dict[str, float]:
    return {"low": round(found.low, DECIMALS), "high": round(found.high, DECIMALS)}
