"""Compares what was searched with what was designed by hand, at equal cost, on the samples that
trials are selected by: the record in a Model."""

from collections.abc import Sequence
from typing import Any

from stages.config import TrainConfig
from stages.train.architecture.arms import SEARCHED
from stages.train.cost.minutes import Minutes
from stages.train.heads.baselines import comparison
from stages.train.heads.problem import Problem
from stages.train.search.selection import DECIMALS, choose, result_of
from stages.train.search.successive_halving import Trial


def architecture_record(
    trials: Sequence[Trial], config: TrainConfig, problem: Problem, minutes: Minutes
) -> dict[str, Any]:
    """The record of a search: for each arm its trials, computed minutes and the best one's metric;
    the searched network's gain over each hand design, with a 95 % interval; the verdict."""
    arms: dict[str, list[Trial]] = {}
    for trial in trials:
        arms.setdefault(trial.hyperparameters["arm"], []).append(trial)
    best = {name: choose(each, config, problem.samples) for name, each in arms.items()}
    searched = best.get(SEARCHED)
    by_hand = {name: trial for name, trial in best.items() if name != SEARCHED}
    gains = {
        name: comparison(searched, trial, config.metric, problem)
        for name, trial in by_hand.items()
        if searched
    }
    return {
        "arms": {
            name: {
                "trials": len(each),
                "minutes": round(sum(map(minutes, each)), DECIMALS),
                config.metric: round(result_of(best[name]).measures[config.metric], DECIMALS),
            }
            for name, each in arms.items()
        },
        "gains": {name: gain["gain"] for name, gain in gains.items()},
        "verdict": _verdict(gains),
    }


def _verdict(gains: dict[str, dict[str, Any]]) -> str:
    """What the intervals of `gains`, comparisons of the searched network with hand designs, say."""
    if not gains:
        return "no hand design keeps the limits, so there is nothing to compare with"
    name, least = min(gains.items(), key=lambda item: item[1]["gain"]["value"])
    value, low, high = (least["gain"][part] for part in ("value", "low", "high"))
    figures = f"gain over the hand design '{name}' {value:+.3f} ({low:+.3f} to {high:+.3f})"
    if all(gain["verdict"] == "better" for gain in gains.values()):
        return f"the searched network is better: {figures}"
    if least["verdict"] == "worse":
        return f"do not search: the hand design is better: {figures}"
    return f"do not search: the hand design is within the interval: {figures}"
