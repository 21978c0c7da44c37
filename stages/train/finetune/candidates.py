"""Selects the inputs that are fine-tuned, and the heads that are the baselines of the fine-tuned
network."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from stages.config import TrainConfig
from stages.models.arrays import unpack_arrays
from stages.models.family import LAST
from stages.train.cost.finetune_budget import tunable, with_leaders
from stages.train.heads.prepared import Prepared
from stages.train.heads.scores import measures
from stages.train.search.search_space import inputs_by_name
from stages.train.search.selection import choose, result_of
from stages.train.search.successive_halving import Trial
from stages.train.search.trial_search import score_of

# a family whose best score is lower than the best of all by more standard errors is not fine-tuned:
# fine-tuning gains less
MAX_STANDARD_ERRORS_BEHIND = 4.0


def planned_for_leaders(
    trials: Sequence[Trial], config: TrainConfig, prepared: Prepared
) -> TrainConfig:
    """`config` with the plan of fine-tuning for the inputs that lead after the first phase, whose
    `trials` are all trained; unchanged if its plan has no minutes."""
    inputs = inputs_by_name(config)
    ranking = [inputs[trial.input] for trial in _ranked(trials, config, prepared)]
    return with_leaders(config, ranking, int(prepared.problem.plain.sum()))


def candidates_of(trials: Sequence[Trial], config: TrainConfig, prepared: Prepared) -> list[Trial]:
    """The trials from which fine-tuning starts: the best one of each of the best inputs that can be
    fine-tuned, at most `train.finetune.candidates` of them and no more than there are fine-tuning
    trials. `trials`: of the first phase, all trained."""
    count = min(config.finetune.candidates, config.finetune.trials or 0)
    return _ranked(trials, config, prepared)[:count]


def _ranked(trials: Sequence[Trial], config: TrainConfig, prepared: Prepared) -> list[Trial]:
    """The best trial of each input that can be fine-tuned (`tunable`), in the order in which they
    are.

    Families are sorted by the score of their best trial, at any size, whether that size can be
    fine-tuned or not; those far behind the best family (MAX_STANDARD_ERRORS_BEHIND) are left out.
    Sizes of one family are sorted by their own best trials. A fine-tuned network has the features
    of the last map alone, so it starts from the best head on these."""
    family_of = {name: item.family for name, item in inputs_by_name(config).items()}
    tunable_inputs = {model_input.name for model_input in tunable(config)}
    best = best_of_each(trials, config, prepared)
    error = standard_error(best[0].score, config.metric, prepared.problem.samples)
    lowest_score = best[0].score - MAX_STANDARD_ERRORS_BEHIND * error
    families = [family_of[trial.input] for trial in best if trial.score >= lowest_score]
    on_last_map = [
        trial for trial in trials if trial.hyperparameters.get("feature_maps", LAST) == LAST
    ]
    ranked = [
        trial
        for trial in best_of_each(on_last_map, config, prepared)
        if trial.input in tunable_inputs and family_of[trial.input] in families
    ]
    return sorted(ranked, key=lambda trial: families.index(family_of[trial.input]))


def best_of_each(trials: Sequence[Trial], config: TrainConfig, prepared: Prepared) -> list[Trial]:
    """The best of `trials` of each input, by the rule of the first phase (`choose`), best first."""
    remaining, best = list(trials), []
    while remaining:
        best.append(choose(remaining, config, prepared.problem.samples))
        remaining = [trial for trial in remaining if trial.input != best[-1].input]
    return best


def standard_error(score: float, metric: str, samples: int) -> float:
    """The standard error of a `score` in `metric` on `samples` samples: that of a share, or of a
    mean log loss, for which a sample's standard deviation is taken as one."""
    variance = 1.0 if metric == "log_loss" else max(0.0, score * (1 - score))
    return float(np.sqrt(variance / samples))


def measured_on_validation_folds(trial: Trial, prepared: Prepared, config: TrainConfig) -> Trial:
    """A copy of `trial`, a head of the first phase, whose measures and score are those on the folds
    on which the best fine-tuned trial is going to be validated (the first
    `train.validation_folds`), so that the two compare on the same samples. Its arrays stay as they
    are."""
    result = result_of(trial)
    arrays = unpack_arrays(result.arrays)
    on_folds = prepared.problem.fold_of_row[arrays["rows"]] < config.validation_folds
    rows, logits = arrays["rows"][on_folds], arrays["logits"][on_folds]
    measures_on_folds = measures(logits, prepared.problem.labels[rows], prepared.problem.rejected)
    return replace(
        trial,
        result=replace(result, measures=measures_on_folds),
        score=score_of(measures_on_folds, config.metric),
    )
