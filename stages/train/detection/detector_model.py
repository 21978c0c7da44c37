"""Saves the chosen trial as a Model, with the record of the selection."""

import json
from typing import Any

from stages.artifacts import Dataset, Model
from stages.config import TrainConfig
from stages.parts import TASKS
from stages.store import Store
from stages.train.cost.detection_budget import first_rung_epochs
from stages.train.detection.detection_problem import DetectionProblem
from stages.train.detection.detector_search import Found
from stages.train.heads.network import network_files
from stages.train.heads.saved_model import trials_json
from stages.train.search.selection import DECIMALS, result_of, rounded

RULE = "the highest AP50 on the validation split after {epochs} epochs; if equal, the earlier trial"


def save_model(
    dataset: Dataset, problem: DetectionProblem, config: TrainConfig, found: Found, *, store: Store
) -> Model:
    """Export the chosen detector of a search (`found`) and save the Model in `store`. Raises what
    `export_network` raises."""
    chosen = problem.inputs[found.chosen.input]
    model_input, family, task = chosen.model_input, chosen.family, TASKS[dataset.task]()
    result = result_of(found.chosen)
    files = {
        **network_files(model_input.family, found.arrays, store),
        "trials.json": store.add(trials_json(found.trials, found.chosen)),
        "unseen.json": store.add(_predictions_json(problem, found.answers)),
    }
    model = Model(
        task=dataset.task,
        labels=dataset.labels,
        family=model_input.family,
        input_shape=(3, model_input.size, model_input.size),
        before=task.before(family, model_input.size, dataset),
        after=task.after(family, model_input.size, dataset.labels),
        hyperparameters={**found.chosen.hyperparameters, "epochs": result.best_epoch},
        selection=_selection(config, found, len(problem.scenes.validation)),
        weights=family.digests,
        files=files,
        parents=(dataset.ref,),
    )
    store.save(model)
    return model


def _selection(config: TrainConfig, found: Found, samples: int) -> dict[str, Any]:
    """The record in a Model of how the detector was selected; `samples`: of the validation
    split."""
    result = result_of(found.chosen)
    return {
        "rule": RULE.format(epochs=first_rung_epochs(config.epochs)),
        "held_out": "the validation split; trained on train",
        "metric": "ap50",
        "measures": rounded(result.measures),
        "highest": round(max(trial.score for trial in found.trials), DECIMALS),
        "samples": samples,
        "trial": found.chosen.number,
        "trials": len(found.trials),
        "epochs": result.best_epoch,
    }


def _predictions_json(problem: DetectionProblem, answers: list[Any]) -> bytes:
    """The chosen detector's predictions on the validation split, and the truth, as JSON
    (unseen.json of a Model). A box is left, top, right, bottom in pixels, then the label index."""
    content = {
        "digests": list(problem.scenes.validation_digests),
        "truth": [
            [[*row[:4], int(row[4])] for row in boxes.tolist()] for boxes in problem.scenes.truth
        ],
        "answers": answers,
    }
    return json.dumps(content, sort_keys=True).encode()
