"""The predictions of a model for a split of its dataset, from the cache if they were made before.

They depend on the model's network and steps, on the samples and on the code that answers; not on
gates or other settings of the report. So a changed gate is judged without predicting again."""

import json
from collections.abc import Sequence
from functools import partial
from typing import Any

from stages.artifacts import Dataset, Model, canonical
from stages.closure import Code, code_of
from stages.etl.manifest import Sample, samples_of
from stages.evaluate.kinds import kind_of, modality_of
from stages.evaluate.native import GRAPH, description, graph_of, predictor_of
from stages.evaluate.predictions import Answers, Predicted, answers, groups_of
from stages.evaluate.rejected import rejected_label
from stages.memo import CachedContent
from stages.runtime.errors import DataError
from stages.store import Store
from stages.tracking import Run

FILE = "answers.json"


def predictions(
    model: Model, dataset: Dataset, *, store: Store, run: Run, threads: int, split: str = "test"
) -> Predicted:
    """The answers of `model` to the samples of `split`, in the manifest's order.

    Raises DataError if the labels of both differ, the split is empty or a sample is unusable."""
    samples = samples_of(dataset, store, split)
    rejects = rejected_label([step.model_dump() for step in model.after], model.labels)
    _check(model, dataset, samples, split, rejects)
    return Predicted(
        model.labels,
        tuple(sample.file for sample in samples),
        tuple(sample.digest for sample in samples),
        kind_of(model.task).truth(samples, model.labels),
        _answers(model, samples, store, run, threads),
        tuple(sample.extra for sample in samples),
        modality_of(model.task).noun,
        rejects,
        groups_of(samples),
    )


def _answers(
    model: Model, samples: Sequence[Sample], store: Store, run: Run, threads: int
) -> list[Any]:
    """The answers to `samples`: found in the cache, or made and kept there."""

    def make() -> CachedContent:
        with graph_of(model, store) as graph:
            answered = answers(
                [partial(store.get, sample.digest) for sample in samples],
                partial(predictor_of, model, graph),
                threads,
                partial(run.progress, "predictions"),
            )
        _all_usable(answered, samples)
        return CachedContent(files={FILE: canonical(answered.values)})

    network = {name: model.files[name] for name in GRAPH}
    key = ["answers", network, description(model), [sample.digest for sample in samples]]
    code = _code(model)
    cached = store.memo.find(key, code)
    if cached is not None:
        run.progress("predictions", len(samples), len(samples))
    found: list[Any] = json.loads((cached or store.memo(key, code, make)).data(FILE))
    return found


def _code(model: Model) -> Code:
    """The code that answers: the parts, the steps and the backend that `model` uses."""
    described = description(model)
    steps = [step["step"] for step in (*described["before"], *described["after"])]
    parts = [described[name] for name in ("task", "modality", "answers", "backend")]
    modules = ("stages.evaluate.native", "stages.evaluate.predictions", "stages.runtime.predictor")
    return code_of(*modules, config=[*parts, *steps])


def _check(
    model: Model, dataset: Dataset, samples: Sequence[Sample], split: str, rejects: str
) -> None:
    added = (rejects,) if rejects and rejects not in dataset.labels else ()
    if model.labels != (*dataset.labels, *added):
        raise DataError(
            f"{model.ref} knows {', '.join(model.labels)}; "
            f"{dataset.ref} has {', '.join(dataset.labels)}.",
            "Evaluate a model on the dataset that it was trained on.",
        )
    if not samples:
        raise DataError(
            f"The {split} split of {dataset.ref} is empty.",
            f"Raise etl.splits.{split}, or add data.",
        )


def _all_usable(answered: Answers, samples: Sequence[Sample]) -> None:
    for place, why in answered.bad.items():
        raise DataError(
            f"{samples[place].file}: {why}", "Run the etl stage of this pipeline again."
        )
