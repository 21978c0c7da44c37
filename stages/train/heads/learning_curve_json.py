"""Measures the learning curve of the best head on the chosen input, as a file of the Model."""

import json
from collections.abc import Sequence
from functools import partial
from typing import Any

from stages.artifacts import Dataset
from stages.config import TrainConfig
from stages.etl.manifest import samples_of
from stages.resources import Resources
from stages.store import Store
from stages.tracking import Run
from stages.train.heads.growth import growth
from stages.train.heads.learning_curve import curve_of, why_not
from stages.train.heads.prepared import Prepared
from stages.train.search.search_space import learner_of
from stages.train.search.selection import choose, result_of
from stages.train.search.successive_halving import Trial

SCRATCH = "a network is trained from scratch, and training it many times takes too long"


def learning_curve_json(
    dataset: Dataset,
    prepared: Prepared,
    trials: Sequence[Trial],
    chosen: Trial,
    config: TrainConfig,
    labels: Sequence[str],
    *,
    store: Store,
    run: Run,
    resources: Resources,
) -> bytes:
    """The learning curve of the best head among `trials` on the input of `chosen`, as JSON; or, as
    "why_not", why none can be measured. `labels`: the names of all label indices. Trains on Ray,
    and raises what `curve_of` raises."""
    problem = prepared.problem
    groups = _groups(dataset, prepared, store)
    head_trials = [trial for trial in trials if trial.phase == 1 and trial.input == chosen.input]
    head = choose(head_trials, config, problem.samples)
    scratch = learner_of(config)(head.hyperparameters) != "head"
    if why := SCRATCH if scratch else why_not(problem, groups):
        return _json({"why_not": why})
    best = result_of(head).best_epoch
    report_progress = partial(run.progress, "learning curve")
    curve = curve_of(
        problem, groups, head.hyperparameters, best, config.patience, resources, report_progress
    )
    return _json({"input": chosen.input, "trial": head.number, **growth(curve, labels)})


def _groups(dataset: Dataset, prepared: Prepared, store: Store) -> list[str]:
    """The name of each row's group; a sample without a group is a group of its own."""
    group_of = {sample.digest: sample.group for sample in samples_of(dataset, store)}
    return [group_of.get(view.digest) or view.digest for view in prepared.views]


def _json(content: dict[str, Any]) -> bytes:
    return json.dumps(content, indent=1, sort_keys=True).encode()
