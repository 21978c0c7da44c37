"""What students begin with: heads that did not see a fold, evenly spread samples, a named or a
moderate architecture."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from stages.config import TrainConfig
from stages.config.distillation import Distil, Prune
from stages.runtime.errors import ConfigError
from stages.train.architecture.counted_limits import CountedLimits
from stages.train.architecture.hand_designs import hand_designs, moderate_design
from stages.train.distillation import initial_students
from stages.train.distillation.initial_students import (
    PrunedCandidates,
    PublishedCandidates,
    _genotype,
)
from stages.train.finetune.finetune_problem import FinetuneProblem, split_name
from stages.train.heads.windows import Windows
from stages.train.search.search_space import Input
from tests.train.conftest import blobs

INPUT = Input("efficientnet_lite0", 64)
SHAPE = (3, 32, 32)


def config(**device: int) -> TrainConfig:
    return TrainConfig(families=("efficientnet_lite0",), device=device)


def cost() -> Any:
    return SimpleNamespace(model_input=INPUT, freeze="none")


def test_a_head_is_trained_once_without_each_fold_and_ships_as_the_mean_of_all():
    trained = []

    def head_without(fold: int) -> dict[str, np.ndarray]:
        trained.append(fold)
        return {"head.out.bias": np.array([fold, 2.0 * fold], np.float64)}

    published = {"stem.weight": np.ones(3)}
    candidates = PublishedCandidates(SimpleNamespace(cost=cost()), published, head_without, 3)

    second, again, shipped = candidates(1), candidates(1), candidates(None)

    assert trained == [1, 0, 2]
    assert second.head["head.out.bias"].tolist() == again.head["head.out.bias"].tolist() == [1, 2]
    assert shipped.head["head.out.bias"].tolist() == [1, 2]
    assert shipped.head["head.out.bias"].dtype == np.float32
    assert shipped.input == INPUT
    assert shipped.published is published
    assert not shipped.narrowed


def student_problem(samples: int = 12, views: int = 1) -> Any:
    """Windows of which each has the number of its sample, and is negative in views."""
    rows = [
        np.full((1 + (view == 0 and sample == 0), 2), sample if view == 0 else -1, np.float16)
        for sample in range(samples)
        for view in range(views + 1)
    ]
    heads = blobs(samples=samples * (views + 1))
    numbers = np.repeat(np.arange(samples), views + 1)
    plain = np.arange(len(numbers)) % (views + 1) == 0
    heads = replace(heads, labels=numbers % 3, fold_of_row=numbers % 3, plain=plain)
    windows = {split_name(INPUT, "none"): Windows.of(rows)}
    problem = FinetuneProblem(heads, {}, windows, views, shards=2, epochs=1)
    return SimpleNamespace(cost=cost(), finetune_problem=problem, teacher=None)


def test_channels_are_chosen_on_samples_that_are_not_in_the_fold():
    candidates = PrunedCandidates(student_problem(), Prune(share=0.5))

    held_out, every = candidates._windows(1), candidates._windows(None)

    assert held_out[:, 0].tolist() == [0, 0, 2, 3, 5, 6, 8, 9, 11]  # the first has two windows
    assert every[:, 0].tolist() == [0, *range(12)]


def test_of_many_samples_some_are_taken_evenly_and_no_more_windows_than_are_wanted(monkeypatch):
    monkeypatch.setattr(initial_students, "RECONSTRUCTION_WINDOWS", 4)

    windows = PrunedCandidates(student_problem(), Prune(share=0.5))._windows(None)

    assert windows[:, 0].tolist() == [0, 0, 3, 7]  # of samples 0, 3, 7 and 11


def test_a_pruned_network_is_made_once_for_each_fold(monkeypatch):
    calls = []

    def pruned_arrays(family: Any, arrays: Any, prune: Prune, windows: np.ndarray) -> Any:
        calls.append((arrays["of"], len(windows)))
        return SimpleNamespace(arrays={"backbone.a": 1, "head.out.bias": 2, "rows": 3})

    monkeypatch.setattr("stages.train.distillation.pruning.pruned_arrays", pruned_arrays)
    problem = student_problem()
    problem.teacher = SimpleNamespace(model_input=INPUT, arrays=lambda fold: {"of": fold})
    candidates = PrunedCandidates(problem, Prune(share=0.5))

    first, again, shipped = candidates(0), candidates(0), candidates(None)

    assert calls == [(0, 8), (None, 13)]
    for found in (first, again, shipped):
        assert found.published == {"a": 1}
        assert found.head == {"head.out.bias": 2}
        assert found.narrowed


def test_a_named_architecture_is_taken_and_else_a_moderate_one_within_the_limits():
    named = hand_designs("plain", CountedLimits(SHAPE, 3, 1))[0].text
    limits = CountedLimits(SHAPE, 3, 1, parameters=60_000)

    assert _genotype(Distil(family="searched_image", genotype=named), SHAPE, 3, config()) == named
    found = _genotype(Distil(family="searched_image"), SHAPE, 3, config(parameters=60_000))
    design = moderate_design("separable", limits)
    assert design
    assert found == design.text


def test_limits_that_no_design_keeps_are_an_error_that_names_them():
    with pytest.raises(ConfigError, match=r"no design of searched_image(.|\n)*parameters or macs"):
        _genotype(Distil(family="searched_image"), SHAPE, 3, config(parameters=10))
