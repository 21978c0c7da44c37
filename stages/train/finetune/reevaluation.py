"""Re-evaluation: the best fine-tuned trial is trained and validated on further folds before it is
compared with the heads. One fold has too few samples to show a gain of a few points."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from stages.models.arrays import pack_arrays, unpack_arrays
from stages.train.finetune.request import FinetuneRequest
from stages.train.finetune.resume_state import ResumeState
from stages.train.heads.out_of_fold import arrays_of
from stages.train.heads.problem import Problem
from stages.train.heads.scores import best_temperature, measures
from stages.train.search.selection import choose, result_of
from stages.train.search.successive_halving import RungBudget, Trial, TrialResult
from stages.train.search.trial_search import score_of


def best_of(request: FinetuneRequest, trials: Sequence[Trial]) -> Trial:
    """The best of the fine-tuned `trials` that reached the last rung, on the validation fold that
    all share. Early-stopped trials did not finish their learning-rate schedule."""
    furthest = max(trial.reached for trial in trials)
    whole = [trial for trial in trials if trial.reached == furthest]
    return choose(whole, request.config, request.problem.held_out_problem.samples)


def reevaluation_budgets(request: FinetuneRequest, best: Trial) -> Iterator[tuple[int, RungBudget]]:
    """Each further validation fold with the budget of `best`, numbered after all trials."""
    for fold in range(1, request.config.validation_folds):
        yield fold, RungBudget(request.trials + fold, best.reached, best.hyperparameters)


def retraining_budget(request: FinetuneRequest, best: Trial) -> RungBudget:
    """The budget for training `best` once more on all samples, for as many epochs as its best one;
    numbered after all trials, too."""
    return RungBudget(request.trials, result_of(best).best_epoch, best.hyperparameters)


def chosen_of(request: FinetuneRequest, best: Trial, resume_state: ResumeState) -> Trial:
    """`best`, measured on all its validation folds, or one of the baselines, by the rule of the
    first phase. The result of `best` becomes the one of all these folds."""
    parts = [
        result_of(best),
        *(resume_state.result(budget) for _, budget in reevaluation_budgets(request, best)),
    ]
    best.result = joined(parts, request.problem.heads)
    best.score = score_of(best.result.measures, request.config.metric)
    validated = request.problem.heads.count_labelled(unpack_arrays(best.result.arrays)["rows"])
    return choose([*request.baselines, best], request.config, validated)


def joined(parts: Sequence[TrialResult], problem: Problem) -> TrialResult:
    """One trial's results on several validation folds as one result, at one temperature."""
    if len(parts) == 1:
        return parts[0]
    arrays_of_folds = [unpack_arrays(part.arrays) for part in parts]
    rows = np.concatenate([part["rows"] for part in arrays_of_folds])
    warm = np.concatenate([part["logits"] * part["temperature"] for part in arrays_of_folds])
    order = np.argsort(rows, kind="stable")
    rows, warm = rows[order], warm[order]
    temperature = best_temperature(warm, problem.labels[rows], problem.rejected)
    cooled = (warm / temperature).astype(np.float32)
    return replace(
        parts[0],
        measures=measures(cooled, problem.labels[rows], problem.rejected),
        arrays=pack_arrays(arrays_of(rows, cooled, temperature)),
    )
