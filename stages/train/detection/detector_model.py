"""The Model that comes of the chosen trial, and what is known of it."""

import json
from typing import Any

from stages.artifacts import Dataset, Model
from stages.config import TrainConfig
from stages.parts import TASKS
from stages.store import Store
from stages.train.cost.detection_budget import race_of
from stages.train.detection.detection_problem import Problem
from stages.train.detection.detector_search import Found
from stages.train.heads.network import network_files
from stages.train.heads.saved_model import table
from stages.train.search.selection import DECIMALS, result_of, rounded

RULE = "the highest AP50 on the validation split after {race} epochs; if equal, the earlier trial"


def save_model(
    dataset: Dataset, problem: Problem, train: TrainConfig, found: Found, *, store: Store
) -> Model:
    """Export the chosen detector and save the Model."""
    one = problem.asked[found.chosen.input].one
    task, family = TASKS[dataset.task](), one.initialised_family
    taught = result_of(found.chosen)
    files = {
        **network_files(one.family, found.arrays, store),
        "trials.json": store.add(table(found.trials, found.chosen)),
        "unseen.json": store.add(_unseen(problem, found.answers)),
    }
    model = Model(
        task=dataset.task,
        labels=dataset.labels,
        family=one.family,
        input_shape=(3, one.size, one.size),
        before=task.before(family, one.size, dataset),
        after=task.after(family, one.size, dataset.labels),
        hyperparameters={**found.chosen.hyperparameters, "epochs": taught.best_epoch},
        selection=_selection(train, found, len(problem.scenes.held)),
        weights=family.digests,
        files=files,
        parents=(dataset.ref,),
    )
    store.save(model)
    return model


def _selection(train: TrainConfig, found: Found, samples: int) -> dict[str, Any]:
    """What a Model says of how it was picked."""
    taught = result_of(found.chosen)
    return {
        "rule": RULE.format(race=race_of(train.epochs)),
        "held_out": "the validation split, taught by train",
        "metric": "ap50",
        "measures": rounded(taught.measures),
        "highest": round(max(trial.score for trial in found.trials), DECIMALS),
        "samples": samples,
        "trial": found.chosen.number,
        "trials": len(found.trials),
        "epochs": taught.best_epoch,
    }


def _unseen(problem: Problem, answers: list[Any]) -> bytes:
    """What the chosen detector says of each validation sample, and what is true, as JSON."""
    told = {
        "digests": list(problem.scenes.held_digests),
        "truth": [
            [[*row[:4], int(row[4])] for row in one.tolist()] for one in problem.scenes.truth
        ],
        "answers": answers,
    }
    return json.dumps(told, sort_keys=True).encode()
