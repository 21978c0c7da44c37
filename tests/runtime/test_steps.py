"""The steps around a network."""

import numpy as np
import pytest

from stages.runtime import steps
from stages.runtime.errors import ConfigError, UnknownPart

RNG = np.random.default_rng(0)
PICTURE = RNG.integers(0, 256, (40, 60, 3), dtype=np.uint8)


def test_steps_run_in_order():
    described = [
        {"step": "resize", "args": {"size": [10, 20]}},
        {"step": "normalise", "args": {"mean": [0.5] * 3, "std": [0.25] * 3}},
        {"step": "to_channels_first"},
    ]

    value = steps.run(described, PICTURE)

    assert value.shape == (3, 10, 20)
    assert value.dtype == np.float32
    assert value.flags.c_contiguous


def test_an_unknown_step_names_the_nearest():
    with pytest.raises(UnknownPart, match="Did you mean 'normalise'"):
        steps.run([{"step": "normalize"}], PICTURE)


def test_arguments_that_a_step_does_not_take_are_named():
    with pytest.raises(ConfigError, match=r"Step 'resize' cannot take \{'sizes': 3\}"):
        steps.run([{"step": "resize", "args": {"sizes": 3}}], PICTURE)


def test_an_unknown_fit_is_refused():
    with pytest.raises(ConfigError, match="knows no fit 'squash'"):
        steps.resize(PICTURE, 8, fit="squash")


def test_stretching_uses_the_whole_picture():
    halves = np.zeros((40, 60, 3), np.uint8)
    halves[:, 30:] = 200

    assert steps.resize(halves, 10)[:, [0, -1], 0].tolist() == [[0, 200]] * 10


def test_cropping_keeps_proportions_and_the_middle():
    striped = np.zeros((40, 60, 3), np.uint8)
    striped[:, 10:50] = 200

    cropped = steps.resize(striped, 20, fit="crop")

    assert cropped.shape == (20, 20, 3)
    assert np.unique(cropped[:, 1:-1]).tolist() == [200]


def test_letterboxing_keeps_all_and_fills_the_rest():
    white = np.full((40, 60, 3), 255, np.uint8)

    boxed = steps.resize(white, 30, fit="letterbox", fill=7)

    assert boxed[:5].max() == boxed[25:].max() == 7
    assert boxed[5:25].min() == 255


@pytest.mark.parametrize("fit", ["stretch", "crop", "letterbox"])
@pytest.mark.parametrize("shape", [(1, 1), (1, 500), (500, 1), (7, 5)])
def test_any_shape_fits(fit, shape):
    odd = np.full((*shape, 3), 90, np.uint8)

    assert steps.resize(odd, [12, 9], fit=fit).shape == (12, 9, 3)


def test_a_picture_of_the_right_size_is_left_alone():
    np.testing.assert_array_equal(steps.resize(PICTURE, [40, 60]), PICTURE)


def test_shrinking_is_antialiased():
    chequered = np.indices((64, 64)).sum(axis=0) % 2 * 255
    picture = np.repeat(chequered[:, :, None], 3, axis=2).astype(np.uint8)

    small = steps.resize(picture, 8)

    assert np.abs(small[1:-1, 1:-1].astype(int) - 127).max() <= 2


def test_normalising_is_what_it_says():
    mean, std = [0.1, 0.2, 0.3], [0.5, 0.6, 0.7]

    expected = (PICTURE / 255 - mean) / std

    np.testing.assert_allclose(steps.normalise(PICTURE, mean, std), expected, atol=1e-5)


def test_softmax_adds_up_to_one_and_survives_large_numbers():
    scores = steps.softmax(np.array([[1e4, 0, -1e4], [1, 1, 1]], np.float32))

    np.testing.assert_allclose(scores, [[1, 0, 0], [1 / 3, 1 / 3, 1 / 3]], atol=1e-6)


MIRRORED = [{"step": "to_channels_first"}, {"step": "mirrored"}]


def test_a_picture_and_its_mirror_image_are_two_windows():
    facts = {}

    value = steps.run(MIRRORED, PICTURE, facts)

    assert value.shape == (2, 3, 40, 60)
    np.testing.assert_array_equal(value[0], PICTURE.transpose(2, 0, 1))
    np.testing.assert_array_equal(value[1], PICTURE[:, ::-1].transpose(2, 0, 1))
    assert steps.as_windows(value, facts) is value


def test_one_picture_alone_is_one_window():
    facts = {}
    value = steps.run(MIRRORED[:1], PICTURE, facts)

    assert steps.as_windows(value, facts).shape == (1, 3, 40, 60)


def test_windows_of_a_sound_are_not_mirrored():
    with pytest.raises(ConfigError, match="given several windows"):
        steps.mirrored(np.zeros((4, 1, 8, 8), np.float32), {})
