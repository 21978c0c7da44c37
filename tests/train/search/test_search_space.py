"""The search space: sizes that fit, numbers that are written as they were used, plain starts."""

import pytest

from stages.config import TrainConfig
from stages.parts import FAMILIES
from stages.runtime.errors import ConfigError
from stages.train.search.search_space import Number, default_sets, dimensions, inputs_of

LITE = ("efficientnet_lite0", "efficientnet_lite1")


def test_without_sizes_every_family_has_its_own():
    found = inputs_of(TrainConfig(families=LITE))

    assert [model_input.size for model_input in found] == [FAMILIES[name].size for name in LITE]


def test_a_family_that_knows_larger_pictures_better_is_tried_with_them_too():
    found = inputs_of(TrainConfig(families=("efficientnet_lite2",)))

    assert [model_input.size for model_input in found] == [256, 352]


def test_sizes_and_families_are_crossed_and_named_once():
    found = inputs_of(TrainConfig(families=LITE + LITE, input_sizes=(64, 96, 64)))

    assert [model_input.name for model_input in found] == [
        f"{name}@{size}" for name in LITE for size in (64, 96)
    ]


@pytest.mark.parametrize("size", [0, -32, 100, 225])
def test_a_size_that_does_not_fit_is_refused_with_what_would(size: int):
    with pytest.raises(ConfigError, match=rf"{size} pixels.\n.*multiples of 32"):
        inputs_of(TrainConfig(families=LITE, input_sizes=(size,)))


def test_there_is_a_plain_start_for_each_input():
    sets = default_sets(dimensions(TrainConfig(families=LITE)))

    assert len({start["input"] for start in sets}) == len(sets) == 2
    assert {start["head"] for start in sets} == {"linear"}


def test_numbers_have_few_digits_and_stay_inside():
    number = Number("x", 0.001237, 0.5, log=True)

    assert number.rounded(0.0123456) == 0.01235
    assert number.rounded(0.001236999) == 0.001237
    assert number.rounded(0.5000001) == 0.5


@pytest.mark.parametrize(("name", "there"), [("small_audio", True), ("efficientnet_lite0", False)])
def test_a_kernel_is_chosen_only_where_a_family_lets_it_be(name: str, there: bool):
    space = dimensions(TrainConfig(families=(*LITE, "small_audio")))
    start = next(start for start in default_sets(space) if start["input"].startswith(name))

    assert ("kernel" in start) == there


def test_families_whose_kernels_are_fixed_leave_no_kernel_to_search():
    assert "kernel" not in [dimension.name for dimension in dimensions(TrainConfig(families=LITE))]
