"""The teacher of an architecture search: a linear head on a frozen pretrained backbone, whose
answers all networks of the search learn from beside the labels (`train.distil`).

The networks of a fold learn from the head that has not seen the samples held out in it either;
otherwise its answers would tell what the held-out labels are."""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stages.artifacts import Dataset
from stages.config import TrainConfig
from stages.resources import Resources
from stages.store import Store
from stages.tracking import Run
from stages.train.cost.budget import teacher_input
from stages.train.distillation.fold_heads import linear_head_without_fold, plain_problem
from stages.train.heads.prepared import Prepared, frozen_features
from stages.train.heads.problem import Problem
from stages.train.heads.scores import measures
from stages.train.search.selection import rounded

Floats = NDArray[np.float32]


def with_search_teacher(
    prepared: Prepared,
    dataset: Dataset,
    config: TrainConfig,
    *,
    store: Store,
    run: Run,
    resources: Resources,
) -> Prepared:
    """`prepared` with the answers of the teacher to all rows, if `config` searches architectures
    and names one. Reports progress. Raises what `frozen_features` raises."""
    model_input = teacher_input(config)
    if model_input is None:
        return prepared
    about = (model_input, dataset, prepared.views, "the teacher's features")
    features = frozen_features(*about, store=store, run=run, resources=resources)
    logits = answers_of_folds(prepared.problem, model_input.name, features, config)
    return replace(prepared, problem=replace(prepared.problem, teacher_logits=logits))


def answers_of_folds(
    problem: Problem, input_name: str, features: Floats, config: TrainConfig
) -> Floats:
    """The logits [folds, rows, labels] of the heads that are trained without each fold. `features`:
    of the teacher's frozen backbone, [rows, features]; the heads are trained on those of the
    samples themselves, and answer their augmented views, too."""
    own = replace(plain_problem(problem, {input_name: features[problem.plain]}), changes=())
    answers = []
    for fold in range(problem.folds):
        head = linear_head_without_fold(own, input_name, "none", fold, config)
        answers.append(features @ head["head.out.weight"] + head["head.out.bias"])
    return np.stack(answers).astype(np.float32)


def teacher_measures(problem: Problem) -> dict[str, float]:
    """The measures of the teacher on the samples that each of its heads has not seen."""
    assert problem.teacher_logits is not None  # noqa: S101
    rows = [problem.validation_rows(fold) for fold in range(problem.folds)]
    logits = [problem.teacher_logits[fold][each] for fold, each in enumerate(rows)]
    truth = problem.labels[np.concatenate(rows)]
    return rounded(dict[str, Any](measures(np.concatenate(logits), truth, problem.rejected)))
