"""Re-evaluates the best fine-tuned trial: it is trained and validated on further folds before it is
compared with the heads, as one fold has too few samples to show a gain of a few points."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from stages.models.arrays import pack_arrays, unpack_arrays
from stages.train.finetune.finetune_search import FinetuneRequest
from stages.train.finetune.resume_state import ResumeState
from stages.train.heads.out_of_fold import prediction_arrays
from stages.train.heads.problem import Problem
from stages.train.heads.scores import best_temperature, measures
from stages.train.search.selection import choose, result_of
from stages.train.search.successive_halving import RungBudget, Trial, TrialResult
from stages.train.search.trial_search import score_of


def best_of(request: FinetuneRequest, trials: Sequence[Trial]) -> Trial:
    """The best of the fine-tuned `trials` that reached the last rung, by their measures on the
    first validation fold. Trials that ended earlier did not finish their learning-rate schedule."""
    furthest = max(trial.reached for trial in trials)
    complete = [trial for trial in trials if trial.reached == furthest]
    return choose(complete, request.config, request.problem.held_out_problem.samples)


def reevaluation_rungs(request: FinetuneRequest, best: Trial) -> Iterator[tuple[int, RungBudget]]:
    """Each further validation fold with the rung budget for training `best` anew on the other
    folds. Its number, after those of all trials, tells it from the trial's own in the resume
    state."""
    for fold in range(1, request.config.validation_folds):
        yield fold, RungBudget(request.trials + fold, best.reached, best.hyperparameters)


def retraining_rung(request: FinetuneRequest, best: Trial) -> RungBudget:
    """The rung budget for training `best` once more on all samples, up to its best epoch; its
    number is the one after those of all trials."""
    return RungBudget(request.trials, result_of(best).best_epoch, best.hyperparameters)


def reevaluate(request: FinetuneRequest, best: Trial, resume_state: ResumeState) -> Trial:
    """A copy of `best`, the best fine-tuned trial, whose result and score are those on all folds on
    which it was validated. `resume_state` has the results of `reevaluation_rungs`."""
    parts = [
        result_of(best),
        *(resume_state.result(rung) for _, rung in reevaluation_rungs(request, best)),
    ]
    result = join_folds(parts, request.problem.heads)
    return replace(best, result=result, score=score_of(result.measures, request.config.metric))


def chosen_of(request: FinetuneRequest, reevaluated: Trial) -> Trial:
    """`reevaluated`, the best fine-tuned trial on all its validation folds, or one of the
    baselines, which were measured on the same folds, by the rule of the first phase (`choose`)."""
    rows = unpack_arrays(result_of(reevaluated).arrays)["rows"]
    validated = request.problem.heads.count_labelled(rows)
    return choose([*request.baselines, reevaluated], request.config, validated)


def join_folds(parts: Sequence[TrialResult], problem: Problem) -> TrialResult:
    """The results of one trial on several validation folds, `parts`, as one result for all their
    rows at one temperature; curve and epochs are those of the first fold. `problem`: of the first
    phase."""
    if len(parts) == 1:
        return parts[0]
    arrays_of_folds = [unpack_arrays(part.arrays) for part in parts]
    rows = np.concatenate([part["rows"] for part in arrays_of_folds])
    raw_logits = np.concatenate([part["logits"] * part["temperature"] for part in arrays_of_folds])
    order = np.argsort(rows, kind="stable")
    rows, raw_logits = rows[order], raw_logits[order]
    temperature = best_temperature(raw_logits, problem.labels[rows], problem.rejected)
    calibrated_logits = (raw_logits / temperature).astype(np.float32)
    return replace(
        parts[0],
        measures=measures(calibrated_logits, problem.labels[rows], problem.rejected),
        arrays=pack_arrays(prediction_arrays(rows, calibrated_logits, temperature)),
    )
