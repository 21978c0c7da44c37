"""Selects one of the trials by a rule, and records the rule in the Model."""

from collections.abc import Sequence
from math import sqrt
from typing import Any

from stages.config import TrainConfig
from stages.train.search.search_space import inputs_by_name, learner_of
from stages.train.search.successive_halving import Trial, TrialResult

DECIMALS = 6  # to which measures are compared and recorded
# trials whose metric is within so many standard errors of the highest one count as equally good
NEAR_STANDARD_ERRORS = 0.5
RULE = (
    "of the trials whose {metric} on held-out samples is within {near} standard errors of the "
    "highest, that with the least log loss; if equal, the cheaper network, then the earlier trial"
)
REPEATS_RULE = (
    "; the best of each arm is trained with {seeds} seeds, and the choice is by the mean over "
    "them; of the seeds that with the least log loss ships"
)
FINETUNED_RULE = (
    "; the best fine-tuned trial and its baselines are measured on {validation_folds} of {folds} "
    "folds"
)
LOSS_RULE = (
    "least log loss on held-out samples; if equal, the cheaper network, then the earlier trial"
)


def choose(trials: Sequence[Trial], config: TrainConfig, samples: int) -> Trial:
    """The best of `trials` by RULE, or by LOSS_RULE if `train.metric` is log_loss. The trials,
    which all have results, were measured on `samples` held-out samples.

    A metric that counts right answers changes by whole samples, so that the highest of many trials
    is often a lucky one; log loss separates those near it."""
    inputs = inputs_by_name(config)
    least = lowest_score(max(trial.score for trial in trials), config, samples)
    near = [trial for trial in trials if trial.score >= least]

    def rank(trial: Trial) -> tuple[float, float, bool, int]:
        loss = round(result_of(trial).measures["log_loss"], DECIMALS)
        return (loss, inputs[trial.input].seconds, _has_hidden_layer(trial), trial.number)

    return min(near, key=rank)


def selection_of(
    trials: Sequence[Trial],
    chosen: Trial,
    config: TrainConfig,
    *,
    samples: int,
    folds: int,
    in_guessed_groups: int = 0,
) -> dict[str, Any]:
    """The record in a Model of how `chosen` was selected among `trials`, which were measured on
    `samples` held-out samples in `folds` folds; `in_guessed_groups` of them are in groups that were
    guessed."""
    result = result_of(chosen)
    learner = learner_of(config)(chosen.hyperparameters)
    head = "mean of the folds' " + ("heads" if learner == "head" else "networks")
    if chosen.phase >= 2:
        head = "trained once more on train and validation together, as many epochs"
    same_phase = [trial for trial in trials if trial.phase == chosen.phase]
    return {
        "rule": _rule(trials, config, folds),
        "phase": chosen.phase,
        "held_out": _held_out(chosen.phase, folds, config.validation_folds)
        + _guessed(in_guessed_groups),
        "head": "as trained on train" if folds == 1 else head,
        "metric": config.metric,
        "measures": rounded(result.measures),
        "highest": round(abs(max(trial.score for trial in same_phase)), DECIMALS),
        "samples": samples,
        "folds": folds,
        "trial": chosen.number,
        "trials": len(trials),
        "epochs": result.best_epoch,
    }


def _rule(trials: Sequence[Trial], config: TrainConfig, folds: int) -> str:
    rule = (
        LOSS_RULE
        if config.metric == "log_loss"
        else RULE.format(metric=config.metric, near=NEAR_STANDARD_ERRORS)
    )
    if config.has_repeats:
        rule += REPEATS_RULE.format(seeds=config.architecture_seeds)
    has_finetuned = any(trial.phase == 2 for trial in trials)
    return rule + (
        FINETUNED_RULE.format(validation_folds=config.validation_folds, folds=folds)
        if has_finetuned
        else ""
    )


def _held_out(phase: int, folds: int, validation_folds: int) -> str:
    if folds == 1:
        return "the validation split; trained on train"
    if phase >= 2 and validation_folds < folds:
        return f"{validation_folds} of {folds} folds of train and validation, each held out once"
    return f"train and validation in {folds} folds, groups kept whole"


def _guessed(in_guessed_groups: int) -> str:
    guess = "; {} samples that look as if taken together are in one fold with their like"
    return guess.format(in_guessed_groups) if in_guessed_groups else ""


def result_of(trial: Trial) -> TrialResult:
    """The result of the last rung of `trial`, which has been trained."""
    assert trial.result is not None, f"trial {trial.number} was never trained"  # noqa: S101
    return trial.result


def rounded(measures: dict[str, float]) -> dict[str, float]:
    """`measures` rounded to DECIMALS."""
    return {name: round(value, DECIMALS) for name, value in measures.items()}


def lowest_score(highest: float, config: TrainConfig, samples: int) -> float:
    """The lowest score that counts as equally good as the `highest` one. The standard error is that
    of a share of `samples`."""
    if config.metric == "log_loss":
        return highest
    return highest - NEAR_STANDARD_ERRORS * sqrt(max(0.0, highest * (1 - highest)) / samples)


def _has_hidden_layer(trial: Trial) -> bool:
    return bool(trial.hyperparameters.get("head") == "hidden")
