"""What every task promises: its parts are on the board, and its steps make what a network takes."""

import inspect

import numpy as np
import pytest

from stages import parts
from stages.artifacts import Dataset
from stages.config import EtlConfig
from stages.etl import checks
from stages.runtime import steps as runtime
from tests import makers

NAMES = list(parts.TASKS)


def families(task) -> list:
    """The families that can be taught for `task`."""
    every = [parts.FAMILIES[name] for name in parts.FAMILIES]
    return [
        family for family in every if family.trainer == task.trainer and family.takes in task.takes
    ]


def dataset(task) -> Dataset:
    """What a task may ask of its samples: facts such as of the modality's own."""
    modality = parts.MODALITIES[task.modality]()
    facts = [modality.inspect(data, EtlConfig()) for data in modality.golden().values()]
    return Dataset(
        task=task.name, labels=makers.LABELS, revision="", counts={},
        facts=modality.summary(facts, EtlConfig()),
    )  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_the_parts_it_names_are_on_the_board(name: str):
    task = parts.TASKS[name]

    assert task.name == name
    assert task.modality in parts.MODALITIES
    assert task.answers in parts.ANSWERS
    assert task.trainer in parts.TRAINERS
    assert all(reader in parts.READERS for reader in task.readers)
    assert families(task)


@pytest.mark.parametrize("name", NAMES)
def test_its_suites_are_there_and_ask_of_what_config_has(name: str):
    alone, across = checks.suite(EtlConfig(), parts.TASKS[name].suites, makers.LABELS)

    assert all(
        expectation["meta"]["check"] and expectation["meta"]["remedy"]
        for expectation in (*alone, *across)
    )
    assert all(expectation["meta"]["reason"] for expectation in alone)


@pytest.mark.parametrize("name", NAMES)
def test_what_it_means_by_default_can_be_said_in_a_pipeline(name: str):
    from stages.config import PipelineConfig

    config = PipelineConfig(name="x", task=name, data="d")

    families = parts.TASKS[name].defaults.get("train", {}).get("families")
    assert families is None or config.train.families == families


@pytest.mark.parametrize("name", NAMES)
def test_the_steps_before_make_what_the_network_takes(name: str):
    task = parts.TASKS[name]()
    sample = next(iter(parts.MODALITIES[task.modality]().golden().values()))

    for family in families(task):
        prepared = task.before(family, family.size, dataset(task))
        found = runtime.prepared([step.model_dump() for step in prepared], sample)

        assert found.windows.dtype == np.float32
        assert found.windows.ndim == 4
        assert np.isfinite(found.windows).all()


@pytest.mark.parametrize("name", NAMES)
def test_the_runtime_knows_the_steps_after(name: str):
    task = parts.TASKS[name]()

    for family in families(task):
        for step in task.after(family, family.size, makers.LABELS):
            parameters = inspect.signature(runtime.STEPS[step.step]).parameters
            assert set(step.args) <= set(parameters)
