"""The search space: sizes that fit, numbers that are written as they were used, plain starts."""

import pytest

from stages.config import TrainConfig
from stages.config.search_space import SearchSpace
from stages.parts import FAMILIES, TASKS
from stages.runtime.errors import ConfigError
from stages.train.search.search_space import (
    AllOf,
    AnyOf,
    Categorical,
    Condition,
    Number,
    active_dimensions,
    default_sets,
    dimensions,
    feature_count,
    inputs_of,
    uses_feature_maps,
    views_of_rows,
)

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


def test_there_is_a_plain_start_for_each_input_and_then_for_each_choice_of_its_maps():
    inputs = ("efficientnet_lite0@224", "efficientnet_lite1@256", "squeezenet@224")
    sets = default_sets(dimensions(TrainConfig(families=(*LITE, "squeezenet"))))

    assert [(start["input"], start.get("feature_maps")) for start in sets] == [
        *((name, "last") for name in inputs[:2]),
        (inputs[2], None),
        *((name, "last+16+8") for name in inputs[:2]),
        *((name, "last+16") for name in inputs[:2]),
    ]
    assert {start["head"] for start in sets} == {"linear"}
    assert {start["l2"] for start in sets} == {0.05}


def test_numbers_have_few_digits_and_stay_inside():
    number = Number("x", 0.001237, 0.5, log=True)

    assert number.rounded(0.0123456) == 0.01235
    assert number.rounded(0.001236999) == 0.001237
    assert number.rounded(0.5000001) == 0.5


@pytest.mark.parametrize("choice", ["kernel", "width"])
@pytest.mark.parametrize(("name", "there"), [("small_audio", True), ("efficientnet_lite0", False)])
def test_kernel_and_width_are_chosen_only_where_a_family_lets_them_be(
    name: str, there: bool, choice: str
):
    space = dimensions(TrainConfig(families=(*LITE, "small_audio")))
    start = next(start for start in default_sets(space) if start["input"].startswith(name))

    assert (choice in start) == there


@pytest.mark.parametrize("choice", ["kernel", "width"])
def test_families_with_published_weights_leave_neither_to_search(choice: str):
    assert choice not in [dimension.name for dimension in dimensions(TrainConfig(families=LITE))]


def test_the_first_trial_of_a_network_from_scratch_has_the_first_width():
    widths = SearchSpace(width=(1.5, 0.5))
    (start,) = default_sets(dimensions(TrainConfig(families=("small_image",), search_space=widths)))

    assert start["width"] == 1.5


@pytest.mark.parametrize("width", [(), (0.0,), (1.25,), (8.0,)])
def test_a_width_that_no_network_can_have_is_refused(width: tuple[float, ...]):
    with pytest.raises(ValueError, match="width"):
        SearchSpace(width=width)


MANY = TrainConfig(families=("efficientnet_lite0", "squeezenet", "small_image"))
IN_STEPS = {"learning_rate", "weight_decay", "batch_size"}


@pytest.mark.parametrize(
    ("family", "head", "expected"),
    [
        ("efficientnet_lite0", "linear", {"l2", "feature_maps"}),
        ("efficientnet_lite0", "hidden", IN_STEPS | {"feature_maps"}),
        ("squeezenet", "linear", {"l2"}),
        ("squeezenet", "hidden", IN_STEPS),
        ("small_image", "linear", IN_STEPS | {"kernel", "width"}),
        ("small_image", "hidden", IN_STEPS | {"kernel", "width"}),
    ],
)
def test_a_head_is_searched_for_what_its_training_needs(family: str, head: str, expected: set):
    space = dimensions(MANY)
    name = next(item.name for item in inputs_of(MANY) if item.family == family)

    active = active_dimensions(space, {"input": name, "head": head})

    plain = {"input", "head", "class_balance"}
    assert {dimension.name for dimension in active} == plain | expected


def test_a_backbone_without_published_weights_is_frozen_and_has_linear_heads_with_a_penalty():
    scratch = MANY.model_copy(update={"weights": {"efficientnet_lite0": "scratch"}})

    active = active_dimensions(
        dimensions(scratch), {"input": "efficientnet_lite0@224", "head": "linear"}
    )

    assert "l2" in {dimension.name for dimension in active}


def test_maps_are_those_of_the_search_space_in_its_order():
    choices = ("last+16", "last")
    config = MANY.model_copy(update={"search_space": SearchSpace(feature_maps=choices)})

    (feature_maps,) = (
        dimension for dimension in dimensions(config) if dimension.name == "feature_maps"
    )

    assert feature_maps.values == choices


@pytest.mark.parametrize(
    ("feature_maps", "width"),
    [
        (("last",), 1280),
        (("last", "last+16"), 1280 + 3 * (112 + 40)),
        (("last", "last+16", "last+16+8"), 1280 + 3 * (112 + 40)),
    ],
)
def test_inner_maps_are_computed_only_if_a_head_may_take_them(feature_maps: tuple, width: int):
    config = MANY.model_copy(update={"search_space": SearchSpace(feature_maps=feature_maps)})
    lite, squeeze, _ = inputs_of(config)

    assert uses_feature_maps(config, lite) == (
        "feature_maps" in {each.name for each in dimensions(config)}
    )
    assert feature_count(config, lite) == width
    assert not uses_feature_maps(config, squeeze)
    assert feature_count(config, squeeze) == FAMILIES["squeezenet"].features


COLD, RED = Condition("weather", ("cold", "icy")), Condition("colour", ("red",))


@pytest.mark.parametrize(
    ("weather", "colour", "either", "both"),
    [
        ("icy", "red", True, True),
        ("cold", "blue", True, False),
        ("hot", "red", True, False),
        ("hot", "blue", False, False),
    ],
)
def test_conditions_hold_together_or_each_alone(weather, colour, either, both):
    values = {"weather": weather, "colour": colour}

    assert AnyOf((COLD, RED)).holds(values) == either
    assert AllOf((COLD, RED)).holds(values) == both


@pytest.mark.parametrize("when", [RED, AnyOf((RED, RED)), AllOf((RED,))])
def test_what_hangs_on_a_dimension_that_is_not_active_is_not_active_either(when):
    space = (
        Categorical("weather", ("hot", "cold")),
        Categorical("colour", ("red", "blue"), when=COLD),
        Categorical("coat", ("long", "short"), when=when),
    )
    stale = {"weather": "hot", "colour": "red", "coat": "long"}

    assert [each.name for each in active_dimensions(space, stale)] == ["weather"]
    assert len(active_dimensions(space, stale | {"weather": "cold"})) == 3


@pytest.mark.parametrize(
    ("families", "head_views", "views"),
    [
        (LITE, 0, 0),
        (LITE, 1, 1),
        (LITE, 8, 3),
        ((*LITE, "small_audio"), 0, 3),
    ],
)
def test_heads_train_on_their_share_of_the_copies_and_networks_from_scratch_on_all(
    families: tuple[str, ...], head_views: int, views: int
):
    config = TrainConfig(families=families, head_views=head_views)

    assert views_of_rows(config, 3) == views


def test_heads_for_sounds_train_on_a_copy_and_those_for_pictures_on_none():
    tasks = {name: TASKS[name].defaults.get("train", {}) for name in TASKS}

    assert tasks["sound_classification"]["head_views"] == 1
    assert TrainConfig(**tasks["image_classification"]).head_views == 0
