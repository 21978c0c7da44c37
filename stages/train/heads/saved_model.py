"""Saves the chosen trial as a Model: its head joined to the backbone, with the record of the
selection."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from stages.artifacts import Dataset, Model
from stages.config import TrainConfig
from stages.models.arrays import unpack_arrays
from stages.models.weights import Array
from stages.resources import Resources
from stages.runtime import steps as runtime
from stages.store import Store
from stages.train.architecture.comparison import architecture_record
from stages.train.cost.minutes import minutes_of
from stages.train.heads.baselines import baselines
from stages.train.heads.input_steps import after_of, before_of
from stages.train.heads.network import network_files
from stages.train.heads.out_of_fold import weights_in
from stages.train.heads.prepared import Prepared
from stages.train.heads.validation_counts import validation_counts
from stages.train.ood import OTHER, labels_of
from stages.train.ood.negatives import USERS_OWN
from stages.train.ood.threshold import Reject, calibrate
from stages.train.search.picked_trial import picked_record
from stages.train.search.search_space import Input, inputs_by_name, views_of_rows
from stages.train.search.selection import DECIMALS, result_of, rounded, selection_of
from stages.train.search.successive_halving import Trial

CURVE = "learning_curve.json"


def save_model(
    dataset: Dataset,
    prepared: Prepared,
    trials: Sequence[Trial],
    chosen: Trial,
    config: TrainConfig,
    *,
    store: Store,
    resources: Resources,
    learning_curve: bytes | None = None,
    students: Mapping[str, Any] | None = None,
) -> Model:
    """Join the trained weights of `chosen` to those of its backbone, export the network, and save
    the Model in `store`.

    `trials`: all of the search; `learning_curve`: the JSON of `learning_curve_json`; `students`:
    the record of networks that learnt from the chosen one, by name. Raises what
    `export_network` raises."""
    model_input = inputs_by_name(config)[chosen.input]
    result = result_of(chosen)
    arrays = unpack_arrays(result.arrays)
    family = model_input.initialised_family
    labels = labels_of(dataset, config)
    reject = _reject(arrays, prepared, config)
    rejecting = (reject.step,) if reject else ()
    after = (*rejecting, *after_of(model_input, dataset.task, labels))
    files = {
        **network_files(model_input.family, _arrays(model_input, arrays, resources), store),
        "trials.json": store.add(trials_json(trials, chosen)),
        "unseen.json": store.add(
            _out_of_fold_json(arrays, prepared, [step.model_dump() for step in after])
        ),
        **({CURVE: store.add(learning_curve)} if learning_curve else {}),
    }
    model = Model(
        task=dataset.task,
        labels=labels,
        family=model_input.family,
        input_shape=prepared.shapes[model_input.name],
        before=before_of(model_input, dataset),
        after=after,
        hyperparameters={**chosen.hyperparameters, "epochs": result.best_epoch},
        selection=selection_of(
            trials,
            chosen,
            config,
            samples=prepared.problem.count_labelled(arrays["rows"]),
            folds=prepared.folds,
            in_guessed_groups=prepared.in_guessed_groups if prepared.folds > 1 else 0,
        )
        | validation_counts(prepared.problem, arrays["rows"], labels)
        | _searched(trials, config, prepared, dataset)
        | {"finalists": baselines(trials, chosen, config, prepared.problem)}
        | ({OTHER: {**reject.record, **_negatives(prepared)}} if reject else {})
        | {"temperature": float(arrays["temperature"])}
        | dict(students or {})
        | ({"notice": family.notice} if family.notice else {}),
        weights=family.digests,
        files=files,
        parents=(dataset.ref,),
    )
    store.save(model)
    return model


def _searched(
    trials: Sequence[Trial], config: TrainConfig, prepared: Prepared, dataset: Dataset
) -> dict[str, Any]:
    """The record of an architecture search, or of a trial picked from one; empty without one."""
    if config.architecture != "search":
        return {}
    if config.picked:
        return picked_record(config)
    views = views_of_rows(config, dataset.views)
    minutes = minutes_of(config, dataset.train_and_validation, views)
    return {"architecture": architecture_record(trials, config, prepared.problem, minutes)}


def _reject(arrays: dict[str, Array], prepared: Prepared, config: TrainConfig) -> Reject | None:
    """The calibrated rejection of unknown samples; None if the model rejects none. `arrays`: of the
    chosen trial."""
    other = prepared.problem.other
    if other is None or not config.rejects:
        return None
    truth = prepared.problem.labels[arrays["rows"]]
    return calibrate(arrays["logits"], truth, other, config.rejects.false_accepts)


def _negatives(prepared: Prepared) -> dict[str, int]:
    """How many negatives were trained on: generated ones ("made"), and a person's own ("yours")."""
    trained_on = {view.digest for view in prepared.views}
    kinds = [kind for digest, kind in prepared.kinds.items() if digest in trained_on]
    yours = kinds.count(USERS_OWN)
    return {"made": len(kinds) - yours, "yours": yours}


def _arrays(
    model_input: Input, trained: dict[str, Array], resources: Resources
) -> dict[str, Array]:
    """All weights of the network: the backbone's initial ones, replaced by `trained` ones if the
    backbone was trained, and the head's."""
    published = model_input.initialised_family.load(resources)
    backbone = {f"backbone.{name}": array for name, array in published.items()}
    return {**backbone, **weights_in(trained)}


def _out_of_fold_json(
    arrays: dict[str, Array], prepared: Prepared, after: list[dict[str, Any]]
) -> bytes:
    """The out-of-fold predictions as JSON (unseen.json of a Model): digest, label index and scores
    of each validation sample. `after`: the steps from logits to scores."""
    rows = arrays["rows"]
    answers = [runtime.run(after, logits[None])[0] for logits in arrays["logits"]]
    content = {
        "digests": [prepared.views[row].digest for row in rows],
        "truth": prepared.problem.labels[rows].tolist(),
        "answers": [[round(float(score), DECIMALS) for score in scores] for scores in answers],
        **({"kinds": dict(prepared.kinds)} if prepared.kinds else {}),
    }
    return json.dumps(content, sort_keys=True).encode()


def trials_json(trials: Sequence[Trial], chosen: Trial) -> bytes:
    """All trials as JSON (trials.json of a Model), by number; without times, so that equal searches
    give equal bytes."""
    rows = [
        {
            "number": trial.number,
            "phase": trial.phase,
            "chosen": trial is chosen,
            "hyperparameters": trial.hyperparameters,
            "rung": trial.reached,
            "epochs": len(result_of(trial).curve),
            "best_epoch": result_of(trial).best_epoch,
            "measures": rounded(result_of(trial).measures),
            "curve": [rounded(epoch) for epoch in result_of(trial).curve],
        }
        for trial in trials
    ]
    return json.dumps(rows, indent=1, sort_keys=True).encode()
