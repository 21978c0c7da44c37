"""The rule that picks one trial, and the Model that comes of it."""

import json
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from stages.artifacts import Dataset, Model
from stages.config import TrainConfig
from stages.models.arrays import pack_arrays, unpack_arrays
from stages.models.export import export_network
from stages.models.weights import Array
from stages.parts import FAMILIES, TASKS
from stages.runtime import steps as runtime
from stages.store import Store
from stages.train.halving import Taught, Trial
from stages.train.prepared import Prepared
from stages.train.space import Input, inputs_of

RULE = (
    "highest {metric} on samples held out, at the epoch of least log loss; "
    "if equal, the cheaper network, then the earlier trial"
)
DECIMALS = 6
UNSEEN = ("rows", "logits", "temperature")


def choose(trials: Sequence[Trial], train: TrainConfig) -> Trial:
    """The best of `trials` by RULE."""
    inputs = {one.name: one for one in inputs_of(train)}

    def rank(trial: Trial) -> tuple[float, float, int, int]:
        one = inputs[trial.hyperparameters["input"]]
        cost = FAMILIES[one.family].seconds(one.size)
        head = 0 if trial.hyperparameters["head"] == "linear" else 1
        return (-round(trial.score, DECIMALS), cost, head, trial.number)

    return min(trials, key=rank)


def save_model(
    dataset: Dataset,
    prepared: Prepared,
    trials: Sequence[Trial],
    chosen: Trial,
    train: TrainConfig,
    *,
    store: Store,
) -> Model:
    """Join the chosen head to its trunk, export both, and save the Model."""
    one = {each.name: each for each in inputs_of(train)}[chosen.hyperparameters["input"]]
    taught = _taught(chosen)
    made = unpack_arrays(taught.arrays)
    task = TASKS[dataset.task]()
    family = FAMILIES[one.family]
    after = task.after(dataset.labels)
    files = {
        **_network_files(one, made, store),
        "trials.json": store.add(_table(trials, chosen)),
        "unseen.npz": store.add(_unseen(made, prepared, [step.model_dump() for step in after])),
    }
    model = Model(
        task=dataset.task,
        labels=dataset.labels,
        family=one.family,
        input_shape=(3, one.size, one.size),
        before=task.before(family, one.size),
        after=after,
        hyperparameters={**chosen.hyperparameters, "epochs": taught.best_epoch},
        selection=_selection(trials, chosen, made, prepared, train),
        weights={family.weights.file.rpartition("/")[2]: family.weights.sha256},
        files=files,
        parents=(dataset.ref,),
    )
    store.save(model)
    return model


def _network_files(one: Input, made: dict[str, Array], store: Store) -> dict[str, str]:
    trunk = {f"trunk.{name}": array for name, array in FAMILIES[one.family].load().items()}
    head = {f"head.{name}": made[name] for name in made if name not in UNSEEN}
    arrays = {**trunk, **head}
    with TemporaryDirectory() as folder:
        files = export_network(one.family, arrays, Path(folder))
        kept = {name: store.add_file(path) for name, path in files.items()}
    return {**kept, "weights.npz": store.add(pack_arrays(arrays))}


def _unseen(made: dict[str, Array], prepared: Prepared, after: list[dict[str, Any]]) -> bytes:
    """For each sample that judged: its digest, label's index, and scores by heads that had not seen
    it."""
    rows = made["rows"]
    return pack_arrays(
        {
            "digests": np.array([prepared.views[row].digest for row in rows], np.str_),
            "truth": prepared.problem.labels[rows],
            "scores": runtime.run(after, made["logits"]),
        }
    )


def _selection(
    trials: Sequence[Trial],
    chosen: Trial,
    made: dict[str, Array],
    prepared: Prepared,
    train: TrainConfig,
) -> dict[str, Any]:
    taught = _taught(chosen)
    split = "the validation split, taught by train"
    folds = f"train and validation in {prepared.folds} folds, groups kept whole"
    return {
        "rule": RULE.format(metric=train.metric),
        "held_out": split if prepared.folds == 1 else folds,
        "head": "of the validation run" if prepared.folds == 1 else "mean of the folds' heads",
        "metric": train.metric,
        "measures": _rounded(taught.measures),
        "samples": int(sum(len(prepared.problem.judging(f)) for f in range(prepared.folds))),
        "folds": prepared.folds,
        "trial": chosen.number,
        "trials": len(trials),
        "epochs": taught.best_epoch,
        "temperature": float(made["temperature"]),
    }


def _table(trials: Sequence[Trial], chosen: Trial) -> bytes:
    """All trials as JSON, by number; without times, so that equal searches have equal bytes."""
    rows = [
        {
            "number": one.number,
            "chosen": one is chosen,
            "hyperparameters": one.hyperparameters,
            "rung": one.reached,
            "epochs": len(_taught(one).curve),
            "best_epoch": _taught(one).best_epoch,
            "measures": _rounded(_taught(one).measures),
            "curve": [_rounded(epoch) for epoch in _taught(one).curve],
        }
        for one in trials
    ]
    return json.dumps(rows, indent=1, sort_keys=True).encode()


def _rounded(measures: dict[str, float]) -> dict[str, float]:
    return {name: round(value, DECIMALS) for name, value in measures.items()}


def _taught(trial: Trial) -> Taught:
    assert trial.taught is not None, f"trial {trial.number} was never taught"  # noqa: S101
    return trial.taught
