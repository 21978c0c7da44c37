"""Which inputs are fine-tuned, and which heads are the baselines of the fine-tuned network."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from stages.config import TrainConfig
from stages.models.arrays import unpack_arrays
from stages.train.cost.finetune_budget import tunable
from stages.train.heads.prepared import Prepared
from stages.train.heads.scores import measures
from stages.train.search.search_space import inputs_by_name
from stages.train.search.selection import choose, result_of
from stages.train.search.successive_halving import Trial
from stages.train.search.trial_search import score_of

FAR = 4.0  # standard errors behind the best input: more than fine-tuning gains


def candidates_of(trials: Sequence[Trial], config: TrainConfig, prepared: Prepared) -> list[Trial]:
    """The best trial of each of the best inputs that can be fine-tuned, best first. Families whose
    best trial is more than FAR behind the best of all are left out. A family counts by its best
    size, whether that size can be fine-tuned or not."""
    inputs, tuned = inputs_by_name(config), {trial.name for trial in tunable(config)}
    best = best_of_each(trials, config, prepared)
    least = best[0].score - FAR * _error(best[0], prepared)
    near = [inputs[trial.input].family for trial in best if trial.score >= least]
    candidates = [
        trial for trial in best if trial.input in tuned and inputs[trial.input].family in near
    ]
    candidates.sort(key=lambda trial: near.index(inputs[trial.input].family))
    return candidates[: min(config.finetune.candidates, config.finetune.trials or 0)]


def best_of_each(trials: Sequence[Trial], config: TrainConfig, prepared: Prepared) -> list[Trial]:
    """The best of `trials` of each input, best first."""
    remaining, best = list(trials), []
    while remaining:
        best.append(choose(remaining, config, prepared.problem.samples))
        remaining = [trial for trial in remaining if trial.input != best[-1].input]
    return best


def _error(trial: Trial, prepared: Prepared) -> float:
    """The standard error of the score of `trial`: of a share, or of a mean log loss, whose
    deviation is about one."""
    share = trial.score * (1 - trial.score) if trial.score > 0 else 1.0
    return float(np.sqrt(share / prepared.problem.samples))


def narrowed(trial: Trial, prepared: Prepared, config: TrainConfig) -> Trial:
    """`trial` measured only on the validation folds of the best fine-tuned trial, so that the two
    compare on the same samples."""
    result = result_of(trial)
    arrays = unpack_arrays(result.arrays)
    on_folds = prepared.problem.fold_of_row[arrays["rows"]] < config.validation_folds
    rows, logits = arrays["rows"][on_folds], arrays["logits"][on_folds]
    narrowed_measures = measures(logits, prepared.problem.labels[rows], prepared.problem.rejected)
    narrow = replace(result, measures=narrowed_measures)
    return replace(trial, result=narrow, score=score_of(narrowed_measures, config.metric))
