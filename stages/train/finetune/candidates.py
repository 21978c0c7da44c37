"""Who is tuned, and which heads are the rivals of what is tuned."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from stages.config import TrainConfig
from stages.models.arrays import unpack_arrays
from stages.train.cost.finetune_budget import tunable
from stages.train.heads.prepared import Prepared
from stages.train.heads.scores import measures
from stages.train.search.search_space import by_name
from stages.train.search.selection import choose, result_of
from stages.train.search.successive_halving import Trial
from stages.train.search.trial_search import score_of

FAR = 4.0  # standard errors behind the best input, which is more than a tail gains


def finalists_of(trials: Sequence[Trial], train: TrainConfig, prepared: Prepared) -> list[Trial]:
    """The best trial of each of the best inputs that can be tuned, best first; none whose family is
    FAR behind the best of all. What a backbone knows shows at its best size, whether that can be
    tuned or not."""
    inputs, tuned = by_name(train), {one.name for one in tunable(train)}
    best = best_of_each(trials, train, prepared)
    least = best[0].score - FAR * _error(best[0], prepared)
    near = [inputs[one.input].family for one in best if one.score >= least]
    found = [one for one in best if one.input in tuned and inputs[one.input].family in near]
    found.sort(key=lambda one: near.index(inputs[one.input].family))
    return found[: min(train.finetune.candidates, train.finetune.trials or 0)]


def best_of_each(trials: Sequence[Trial], train: TrainConfig, prepared: Prepared) -> list[Trial]:
    """The best of `trials` of each input, best first."""
    left, found = list(trials), []
    while left:
        found.append(choose(left, train, prepared.problem.samples))
        left = [one for one in left if one.input != found[-1].input]
    return found


def _error(trial: Trial, prepared: Prepared) -> float:
    """The standard error of what `trial` is measured by: of a share, or of a mean log loss, whose
    deviation is about one."""
    share = trial.score * (1 - trial.score) if trial.score > 0 else 1.0
    return float(np.sqrt(share / prepared.problem.samples))


def narrowed(trial: Trial, prepared: Prepared, train: TrainConfig) -> Trial:
    """`trial` as it is judged by the folds that judge the best tail."""
    taught = result_of(trial)
    made = unpack_arrays(taught.arrays)
    judged = prepared.problem.held[made["rows"]] < train.validation_folds
    rows, logits = made["rows"][judged], made["logits"][judged]
    found = measures(logits, prepared.problem.labels[rows], prepared.problem.rejected)
    narrow = replace(taught, measures=found)
    return replace(trial, result=narrow, score=score_of(found, train.metric))
