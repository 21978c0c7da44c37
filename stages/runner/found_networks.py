"""Finds the networks that a pipeline names as `train.families: [found@RUN]`: architectures that an
earlier search found, on whatever data. Their genotypes are written into the run's lock, so that it
is reproduced without the other run."""

import re

from stages.artifacts import Model, Ref
from stages.config import PipelineConfig
from stages.config.train import FOUND
from stages.runner.lock import load_lock
from stages.runtime.errors import ConfigError
from stages.store import Store
from stages.tasks import is_compatible

ID = re.compile(r"[0-9a-f]{1,64}")  # of a Model, or how it begins
LONGEST_NAME = 200  # characters of a run's name; a file's may have 255 bytes


def with_found_networks(pipeline: PipelineConfig, store: Store) -> PipelineConfig:
    """`pipeline` with the genotype of each found@RUN in `train.genotypes`, and in its place among
    `train.families` the family of that network. Unchanged if it names none.

    Raises ConfigError if there is no such run or model, or if it searched no architecture."""
    train = pipeline.train
    models = {
        name: _model_of(name.removeprefix(FOUND), store)
        for name in train.families
        if name.startswith(FOUND)
    }
    if not models:
        return pipeline
    for name, model in models.items():
        _check_task(name, model, pipeline.task)
    families = [models[name].family if name in models else name for name in train.families]
    genotypes = {name: _genotype_of(name, model) for name, model in models.items()}
    changes = {
        "families": tuple(dict.fromkeys(families)),
        "genotypes": {**train.genotypes, **genotypes},
    }
    return pipeline.model_copy(update={"train": train.model_copy(update=changes)})


def _check_task(name: str, model: Model, task: str) -> None:
    """Raise ConfigError if the network of `model` takes other samples than `task` has."""
    if not is_compatible(model.family, task):
        raise ConfigError(
            f"train.families: {name} was found for {model.task}, and a {model.family} is not for "
            f"{task}.",
            "Name a run whose search was for the same kind of data.",
        )


def _model_of(name: str, store: Store) -> Model:
    """The Model of the run `name`, or that whose id begins with `name`."""
    is_name = "/" not in name and len(name) <= LONGEST_NAME  # no way out of the store
    lock = load_lock(name, store) if is_name else None
    if lock and "train" not in lock.artifacts:
        raise ConfigError(
            f"train.families: the run {name} has no trained model yet.",
            "Let it end, or run its pipeline again.",
        )
    ref = lock.artifacts.get("train") if lock else _model_ref(name, store)
    if ref is None or not store.holds(ref):
        raise ConfigError(
            f"train.families: {FOUND}{name[:80]} names no run and no model of this store; it may "
            "have been removed.",
            "Name a run that searched an architecture, as `aiwf list` shows it, or a model; or "
            "copy the genotype from the lock of a run that named it into train.genotypes.",
        )
    model: Model = store.load(ref)
    return model


def _model_ref(name: str, store: Store) -> Ref | None:
    if not ID.fullmatch(name):
        return None
    try:
        return store.find(f"model@{name}")
    except ConfigError:
        return None


def _genotype_of(name: str, model: Model) -> str:
    genotype = model.hyperparameters.get("genotype")
    if not genotype:
        raise ConfigError(
            f"train.families: {name} has no architecture that was found: its model is a "
            f"{model.family}.",
            "Name a run that searched an architecture (train.architecture: search).",
        )
    return str(genotype)
