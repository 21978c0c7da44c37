"""The best tail is judged by further folds, each time taught without it, before it is set beside
the heads: one fold is too few samples to tell a gain of some points."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from stages.models.arrays import pack_arrays, unpack_arrays
from stages.train.finetune.request import Asked
from stages.train.finetune.resume_state import Course
from stages.train.heads.out_of_fold import arrays_of
from stages.train.heads.problem import Problem
from stages.train.heads.scores import best_temperature, measures
from stages.train.search.selection import choose, result_of
from stages.train.search.successive_halving import RungBudget, Trial, TrialResult
from stages.train.search.trial_search import score_of


def best_of(asked: Asked, trials: Sequence[Trial]) -> Trial:
    """The best of those of phase two's `trials` that were taught longest, by the fold that judged
    them all: whoever was stopped has stopped before its rate came down."""
    furthest = max(one.reached for one in trials)
    whole = [one for one in trials if one.reached == furthest]
    return choose(whole, asked.train, asked.question.problem.samples)


def further(asked: Asked, best: Trial) -> Iterator[tuple[int, RungBudget]]:
    """The other folds that are to judge `best`, each with its teaching, numbered after all
    trials."""
    for fold in range(1, asked.train.validation_folds):
        yield fold, RungBudget(asked.trials + fold, best.reached, best.hyperparameters)


def anew(asked: Asked, best: Trial) -> RungBudget:
    """The teaching of `best` anew, by all samples, as long as until it was judged; numbered after
    all trials, too."""
    return RungBudget(asked.trials, result_of(best).best_epoch, best.hyperparameters)


def chosen_of(asked: Asked, best: Trial, course: Course) -> Trial:
    """`best`, as all folds have judged it, or one of the rivals: by phase one's rule. What `best`
    says of unseen samples is that of all these folds from now on."""
    parts = [result_of(best), *(course.brought(leg) for _, leg in further(asked, best))]
    best.result = joined(parts, asked.question.heads)
    best.score = score_of(best.result.measures, asked.train.metric)
    judged = asked.question.heads.known(unpack_arrays(best.result.arrays)["rows"])
    return choose([*asked.rivals, best], asked.train, judged)


def joined(parts: Sequence[TrialResult], problem: Problem) -> TrialResult:
    """One trial as several folds judged it, at one temperature."""
    if len(parts) == 1:
        return parts[0]
    made = [unpack_arrays(one.arrays) for one in parts]
    rows = np.concatenate([one["rows"] for one in made])
    warm = np.concatenate([one["logits"] * one["temperature"] for one in made])
    order = np.argsort(rows, kind="stable")
    rows, warm = rows[order], warm[order]
    temperature = best_temperature(warm, problem.labels[rows], problem.rejected)
    cooled = (warm / temperature).astype(np.float32)
    return replace(
        parts[0],
        measures=measures(cooled, problem.labels[rows], problem.rejected),
        arrays=pack_arrays(arrays_of(rows, cooled, temperature)),
    )
