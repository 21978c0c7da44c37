"""Views of a training sample: what decides them, and what does not."""

import numpy as np
import pytest

from stages.etl.augment import augmented, resolved
from stages.runtime.errors import ConfigError, UnknownPart
from tests import makers

PICTURE = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)
ONE, OTHER = "a" * 64, "b" * 64


@pytest.fixture
def dataset(tmp_path):
    made = makers.dataset(makers.store(tmp_path), each=5)
    return made.model_copy(update={"augmentations": resolved(({"rotate": {}}, {"noise": {}}))})


def test_view_nought_is_the_picture_itself(dataset):
    assert augmented(PICTURE, dataset, ONE, 0) is PICTURE


def test_a_view_is_decided_by_seed_sample_and_number(dataset):
    view = augmented(PICTURE, dataset, ONE, 1)

    np.testing.assert_array_equal(view, augmented(PICTURE, dataset, ONE, 1))
    others = [
        augmented(PICTURE, dataset, ONE, 2),
        augmented(PICTURE, dataset, OTHER, 1),
        augmented(PICTURE, dataset.model_copy(update={"seed": 1}), ONE, 1),
    ]
    assert all(not np.array_equal(view, other) for other in others)


def test_defaults_are_spelt_out():
    assert resolved(({"rotate": {}}, {"colour": {"contrast": 0}})) == (
        {"rotate": {"degrees": 10.0}},
        {"colour": {"brightness": 0.2, "contrast": 0, "saturation": 0.2}},
    )


def test_unknown_names_are_told_with_the_nearest():
    with pytest.raises(ConfigError, match=r"no argument 'degree'.*\n.*'degrees'"):
        resolved(({"rotate": {"degree": 3}},))
    with pytest.raises(UnknownPart, match=r"Did you mean 'rotate'"):
        resolved(({"rotat": {}},))
