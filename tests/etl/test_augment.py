"""Views of a training sample: what decides them, and what does not."""

import numpy as np
import pytest

from stages.artifacts import Box
from stages.etl.augment import boxes_of, changes_of, resolve_augmentations, view_of
from stages.runtime import steps as runtime
from stages.runtime.errors import ConfigError, UnknownPart
from tests import makers

DATA, BOXES = makers.scene(3, 64)
STEPS = [{"step": "decode_picture"}, {"step": "resize", "args": {"size": 32}}]
FIRST, OTHER = "a" * 64, "b" * 64


@pytest.fixture
def dataset(tmp_path):
    unaugmented = makers.boxes_dataset(makers.store(tmp_path), 5)
    return unaugmented.model_copy(
        update={"augmentations": resolve_augmentations(({"rotate": {}}, {"noise": {}}))}
    )


def test_view_nought_is_the_sample_through_the_steps_alone(dataset):
    boxes = boxes_of(BOXES, dataset.labels)

    view = view_of(STEPS, DATA, dataset, FIRST, 0, boxes)

    np.testing.assert_array_equal(view.windows, runtime.prepared(STEPS, DATA).windows)
    np.testing.assert_array_equal(view.boxes, boxes)
    assert view.facts == {"width": 64, "height": 64}


def test_a_view_is_decided_by_seed_sample_and_number(dataset):
    view = view_of(STEPS, DATA, dataset, FIRST, 1).windows

    np.testing.assert_array_equal(view, view_of(STEPS, DATA, dataset, FIRST, 1).windows)
    other_views = [
        view_of(STEPS, DATA, dataset, FIRST, 2),
        view_of(STEPS, DATA, dataset, OTHER, 1),
        view_of(STEPS, DATA, dataset.model_copy(update={"seed": 1}), FIRST, 1),
    ]
    assert all(not np.array_equal(view, other.windows) for other in other_views)


def test_boxes_go_with_their_picture(dataset):
    mirrored = dataset.model_copy(update={"augmentations": ({"horizontal_flip": {"chance": 1}},)})

    view = view_of(STEPS, DATA, mirrored, FIRST, 1, boxes_of(BOXES, dataset.labels))

    expected = [
        (64 - box.right, box.top, 64 - box.left, box.bottom, dataset.labels.index(box.label))
        for box in BOXES
    ]
    np.testing.assert_array_equal(view.boxes, np.array(expected, np.float32))


def test_what_is_for_batches_is_left_to_the_trainer(dataset):
    mixed = dataset.model_copy(
        update={"augmentations": resolve_augmentations(({"mosaic": {"chance": 1}},))}
    )

    view = view_of(STEPS, DATA, mixed, FIRST, 1)

    np.testing.assert_array_equal(view.windows, runtime.prepared(STEPS, DATA).windows)
    assert [type(change).__name__ for change in changes_of(mixed, "batch")] == ["Mosaic"]


def test_boxes_are_rows_of_corners_and_the_index_of_their_label():
    rows = boxes_of([Box("b", 1, 2, 3.5, 4), Box("a", 0, 0, 9, 9)], ("a", "b"))

    assert rows.tolist() == [[1, 2, 3.5, 4, 1], [0, 0, 9, 9, 0]]
    assert boxes_of([], ("a", "b")).shape == (0, 5)


def test_defaults_are_spelt_out():
    assert resolve_augmentations(({"rotate": {}}, {"colour": {"contrast": 0}})) == (
        {"rotate": {"degrees": 10.0}},
        {"colour": {"brightness": 0.2, "contrast": 0, "saturation": 0.2}},
    )


def test_unknown_names_are_told_with_the_nearest():
    with pytest.raises(ConfigError, match=r"no argument 'degree'.*\n.*'degrees'"):
        resolve_augmentations(({"rotate": {"degree": 3}},))
    with pytest.raises(UnknownPart, match=r"Did you mean 'rotate'"):
        resolve_augmentations(({"rotat": {}},))


def test_what_is_for_another_modality_or_trainer_is_told_with_what_there_is():
    with pytest.raises(ConfigError, match=r"'rotate' is for pictures, not for sounds.*\n.*gain"):
        resolve_augmentations(({"rotate": {}},), "sounds", "heads")
    with pytest.raises(ConfigError, match=r"'mosaic' is for detectors, not for heads"):
        resolve_augmentations(({"mosaic": {}},), "pictures", "heads")
