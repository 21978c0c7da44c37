"""What every augmentation promises, and what those of pictures do beside. A new one is tested here
the day it is on the board."""

from dataclasses import FrozenInstanceError, fields, is_dataclass

import numpy as np
import pytest

from stages.etl.augmentations import NO_BOXES, Scene
from stages.parts import AUGMENTATIONS, MODALITIES, TRAINERS
from stages.runtime.errors import ConfigError

NAMES = [name for name in AUGMENTATIONS if "pictures" in AUGMENTATIONS[name].modalities]
OF_BOXES = [name for name in NAMES if "detectors" in AUGMENTATIONS[name].trainers]
SHAPES = [(48, 64, 3), (1, 1, 3), (7, 300, 3)]


def picture(shape: tuple[int, ...] = SHAPES[0]) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, shape, dtype=np.uint8)


def changed(change, seed: int, *scenes: Scene) -> Scene:
    """What `change` makes of the first of `scenes`; the first stands in for partners it lacks."""
    partners = [*scenes[1:], *[scenes[0]] * change.partners][: change.partners]
    rng = np.random.default_rng(seed)
    return change(scenes[0], partners, rng) if change.partners else change(scenes[0], rng)


def with_rectangle(box: tuple[int, int, int, int], shape=(120, 160, 3)) -> Scene:
    """A red rectangle on black."""
    left, top, right, bottom = box
    ground = np.zeros(shape, np.uint8)
    ground[top:bottom, left:right] = (255, 0, 0)
    return Scene(ground, np.array([[*box, 2]], np.float32))


def red_in(picture: np.ndarray) -> tuple[int, int, int, int]:
    """The corners of what is red in `picture`; its ground may be of any grey."""
    red = picture[..., 0].astype(int) - picture[..., 1:].max(-1)
    rows, columns = np.nonzero(red > red.max() / 2)
    return columns.min(), rows.min(), columns.max() + 1, rows.max() + 1


@pytest.mark.parametrize("name", list(AUGMENTATIONS))
def test_it_says_for_which_media_and_trainers_it_is(name):
    part = AUGMENTATIONS[name]

    assert part.modalities
    assert part.trainers
    assert set(part.modalities) <= set(MODALITIES)
    assert set(part.trainers) <= set(TRAINERS)
    assert part.after


@pytest.mark.parametrize("name", list(AUGMENTATIONS))
def test_its_arguments_are_frozen_numbers_with_defaults(name):
    change = AUGMENTATIONS[name]()

    assert is_dataclass(change)
    assert AUGMENTATIONS[name].__doc__
    with pytest.raises(FrozenInstanceError):
        setattr(change, fields(change)[0].name, 1)


@pytest.mark.parametrize("name", list(AUGMENTATIONS))
@pytest.mark.parametrize("value", [-100, 1e9, "much", None, True, float("nan")])
def test_an_argument_out_of_range_is_refused_by_name(name, value):
    for field in fields(AUGMENTATIONS[name]):
        with pytest.raises(ConfigError, match=field.name):
            AUGMENTATIONS[name](**{field.name: value})


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("shape", SHAPES)
def test_a_picture_stays_a_picture_of_its_size(name, shape):
    scene = Scene(picture(shape))

    views = [changed(AUGMENTATIONS[name](), seed, scene) for seed in range(8)]

    assert {view.picture.shape for view in views} == {shape}
    assert {str(view.picture.dtype) for view in views} == {"uint8"}
    assert {view.boxes.shape for view in views} == {NO_BOXES.shape}


@pytest.mark.parametrize("name", OF_BOXES)
def test_boxes_are_where_their_things_are(name):
    boxes = [(30, 40, 90, 80), (2, 3, 50, 40), (100, 70, 158, 118)]
    change, ground, found = AUGMENTATIONS[name](), Scene(np.zeros((120, 160, 3), np.uint8)), 0

    for seed, box in enumerate(boxes * 8):
        for place in range(1 + change.partners):
            scenes = [ground] * (1 + change.partners)
            scenes[place] = with_rectangle(box)
            view = changed(change, seed, *scenes)
            for left, top, right, bottom, label in view.boxes:
                found += 1
                assert label == 2
                np.testing.assert_allclose((left, top, right, bottom), red_in(view.picture), atol=2)

    assert found >= 12


@pytest.mark.parametrize("name", NAMES)
def test_boxes_stay_on_the_picture_and_those_hardly_seen_are_dropped(name):
    change, edge = AUGMENTATIONS[name](), with_rectangle((0, 0, 40, 120))

    for seed in range(40):
        view = changed(change, seed, edge)
        sides = view.boxes[:, 2:4] - view.boxes[:, :2]
        assert (view.boxes[:, :2] >= 0).all()
        assert (view.boxes[:, 2:4] <= (160, 120)).all()
        assert (sides > 0).all()
        if len(view.boxes) == 0:
            red = view.picture[..., 0].astype(int) - view.picture[..., 1:].max(-1) > 90
            assert red.mean() < 1.5**2 * 0.25 / 3  # a third of a quarter, so much enlarged at most


@pytest.mark.parametrize("name", NAMES)
def test_an_equal_seed_gives_an_equal_view_and_others_differ(name):
    change, scene = AUGMENTATIONS[name](), Scene(picture())

    views = [changed(change, seed, scene).picture.tobytes() for seed in range(16)]
    again = [changed(change, seed, scene).picture.tobytes() for seed in range(16)]

    assert views == again
    assert len(set(views)) > 1


@pytest.mark.parametrize("name", NAMES)
def test_the_scene_itself_is_not_changed(name):
    original = with_rectangle((30, 40, 90, 80))
    scene = Scene(original.picture.copy(), original.boxes.copy())
    scene.picture.setflags(write=False)
    scene.boxes.setflags(write=False)

    for seed in range(8):
        changed(AUGMENTATIONS[name](), seed, scene)

    np.testing.assert_array_equal(scene.picture, original.picture)
    np.testing.assert_array_equal(scene.boxes, original.boxes)


def test_mirroring_twice_gives_the_scene_back():
    scene = with_rectangle((20, 30, 90, 80))
    for name in ("horizontal_flip", "vertical_flip"):
        flip = AUGMENTATIONS[name](chance=1.0)
        once = changed(flip, 0, scene)
        twice = changed(flip, 0, once)

        assert not np.array_equal(once.boxes, scene.boxes)
        np.testing.assert_array_equal(twice.picture, scene.picture)
        np.testing.assert_array_equal(twice.boxes, scene.boxes)


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("horizontal_flip", {"chance": 0.0}),
        ("mosaic", {"chance": 0.0}),
        ("rotate", {"degrees": 0}),
        ("crop", {"smallest": 1}),
        ("scale", {"smallest": 1, "largest": 1}),
        ("colour", {"brightness": 0, "contrast": 0, "saturation": 0}),
        ("noise", {"deviation": 0}),
    ],
)
def test_a_change_of_nothing_changes_nothing(name, arguments):
    scene = Scene(picture(), np.array([[3, 4, 20, 30, 1]], np.float32))

    view = changed(AUGMENTATIONS[name](**arguments), 0, scene)

    np.testing.assert_array_equal(view.picture, scene.picture)
    np.testing.assert_allclose(view.boxes, scene.boxes, atol=1e-5)


def test_a_quarter_turn_makes_a_wide_box_high():
    scene = with_rectangle((70, 50, 90, 60), (120, 120, 3))
    rotate, seed = AUGMENTATIONS["rotate"](degrees=180), 0
    while abs(abs(np.random.default_rng(seed).uniform(-180, 180)) - 90) > 1:
        seed += 1

    left, top, right, bottom = changed(rotate, seed, scene).boxes[0, :4]

    assert right - left == pytest.approx(10, abs=1)
    assert bottom - top == pytest.approx(20, abs=1)


def test_a_turn_fills_its_corners_with_the_picture():
    white = Scene(np.full((64, 64, 3), 255, np.uint8))

    turned = changed(AUGMENTATIONS["rotate"](degrees=45), 3, white)

    assert turned.picture.min() == 255


def test_a_mosaic_shows_parts_of_all_four_scenes():
    scenes = [Scene(np.full((60, 80, 3), level, np.uint8)) for level in (10, 80, 150, 220)]

    view = changed(AUGMENTATIONS["mosaic"](chance=1.0), 0, *scenes)

    assert set(np.unique(view.picture)) == {10, 80, 150, 220}
    assert [int(view.picture[y, x, 0]) for y in (0, -1) for x in (0, -1)] == [10, 80, 150, 220]


def test_erasing_covers_one_rectangle_with_the_mean_colour():
    original = picture((60, 80, 3))
    erase = AUGMENTATIONS["erase"](largest=0.2, chance=1.0)

    for seed in range(20):
        covered = (changed(erase, seed, Scene(original)).picture != original).any(-1)
        rows, columns = np.nonzero(covered)
        area = (np.ptp(rows) + 1) * (np.ptp(columns) + 1)
        assert covered.sum() > 0.9 * area
        assert 0.01 < area / covered.size < 0.22


def test_erasing_has_its_chance():
    erase = AUGMENTATIONS["erase"](chance=0.25)
    scene = Scene(picture())

    same = [np.array_equal(changed(erase, n, scene).picture, scene.picture) for n in range(400)]

    assert 0.68 < np.mean(same) < 0.82


def test_rand_augment_of_no_strength_moves_nothing():
    """Without strength only the operations that have none change anything: equalising and
    stretching the contrast, which a picture of all values survives."""
    ramp = np.repeat(np.arange(256, dtype=np.uint8).reshape(16, 16, 1), 3, axis=2)
    calm = AUGMENTATIONS["rand_augment"](strength=0.0)

    for seed in range(40):
        view = changed(calm, seed, Scene(ramp)).picture
        np.testing.assert_allclose(view.astype(int), ramp, atol=2)


def test_rand_augment_changes_more_with_more_strength():
    scene = Scene(picture((64, 64, 3)))

    def change(strength: float) -> float:
        part = AUGMENTATIONS["rand_augment"](strength=strength)
        views = [changed(part, seed, scene).picture for seed in range(60)]
        return float(np.mean([np.abs(view.astype(int) - scene.picture).mean() for view in views]))

    assert change(0.1) < change(0.5) < change(1.0)
