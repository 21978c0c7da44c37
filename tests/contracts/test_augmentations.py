"""What every augmentation promises. A new one is tested here the day it is on the board."""

from dataclasses import FrozenInstanceError, fields, is_dataclass

import numpy as np
import pytest

from stages.parts import AUGMENTATIONS
from stages.runtime.errors import ConfigError

NAMES = list(AUGMENTATIONS)
SHAPES = [(48, 64, 3), (1, 1, 3), (7, 300, 3)]


def picture(shape: tuple[int, ...] = SHAPES[0]) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, shape, dtype=np.uint8)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("shape", SHAPES)
def test_a_picture_stays_a_picture_of_its_size(name, shape):
    change = AUGMENTATIONS[name]()

    views = [change(picture(shape), np.random.default_rng(seed)) for seed in range(8)]

    assert {view.shape for view in views} == {shape}
    assert {str(view.dtype) for view in views} == {"uint8"}


@pytest.mark.parametrize("name", NAMES)
def test_an_equal_seed_gives_an_equal_view_and_others_differ(name):
    change = AUGMENTATIONS[name]()

    views = [change(picture(), np.random.default_rng(seed)).tobytes() for seed in range(16)]
    again = [change(picture(), np.random.default_rng(seed)).tobytes() for seed in range(16)]

    assert views == again
    assert len(set(views)) > 1


@pytest.mark.parametrize("name", NAMES)
def test_the_picture_itself_is_not_changed(name):
    original = picture()
    given = original.copy()
    given.setflags(write=False)

    for seed in range(8):
        AUGMENTATIONS[name]()(given, np.random.default_rng(seed))

    np.testing.assert_array_equal(given, original)


@pytest.mark.parametrize("name", NAMES)
def test_its_arguments_are_frozen_numbers_with_defaults(name):
    change = AUGMENTATIONS[name]()

    assert is_dataclass(change)
    assert AUGMENTATIONS[name].__doc__
    with pytest.raises(FrozenInstanceError):
        setattr(change, fields(change)[0].name, 1)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("value", [-1, 1e9, "much", None, True, float("nan")])
def test_an_argument_out_of_range_is_refused_by_name(name, value):
    argument = fields(AUGMENTATIONS[name])[0].name

    with pytest.raises(ConfigError, match=argument):
        AUGMENTATIONS[name](**{argument: value})


def test_mirroring_twice_gives_the_picture_back():
    for name in ("horizontal_flip", "vertical_flip"):
        flip = AUGMENTATIONS[name](chance=1.0)
        once = flip(picture(), np.random.default_rng(0))

        assert not np.array_equal(once, picture())
        np.testing.assert_array_equal(flip(once, np.random.default_rng(0)), picture())


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("horizontal_flip", {"chance": 0.0}),
        ("rotate", {"degrees": 0}),
        ("crop", {"smallest": 1}),
        ("colour", {"brightness": 0, "contrast": 0, "saturation": 0}),
        ("noise", {"deviation": 0}),
    ],
)
def test_a_change_of_nothing_changes_nothing(name, arguments):
    view = AUGMENTATIONS[name](**arguments)(picture(), np.random.default_rng(0))

    np.testing.assert_array_equal(view, picture())


def test_a_turn_fills_its_corners_with_the_picture():
    white = np.full((64, 64, 3), 255, np.uint8)

    turned = AUGMENTATIONS["rotate"](degrees=45)(white, np.random.default_rng(3))

    assert turned.min() == 255
