"""Windows of a spectrogram, and pictures of them."""

import numpy as np
import pytest
from PIL import Image

from stages.runtime.energy import normalised_energy
from stages.runtime.errors import ConfigError
from stages.runtime.windows import as_picture, windows

MEAN, STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]


def levels(frames: int, bands: int = 8) -> np.ndarray:
    """A spectrogram of which every frame can be told from all others."""
    return np.tile(np.arange(frames, dtype=np.float32), (bands, 1))


def test_a_short_sound_is_one_window_that_ends_in_silence():
    facts = {"seconds": 0.3}

    parts = windows(levels(30), frames=100, silence=-100.0, facts=facts)

    assert parts.shape == (1, 1, 8, 100)
    np.testing.assert_array_equal(parts[0, 0, :, :30], levels(30))
    assert (parts[0, 0, :, 30:] == -100).all()
    assert facts["windows"] == [(0.0, 0.3)]


def test_silence_may_differ_by_band():
    parts = windows(levels(30, 2), frames=100, silence=[-800.0, 0.0])

    assert parts[0, 0, :, -1].tolist() == [-800, 0]


def test_a_long_sound_is_cut_with_overlap_from_its_start_to_its_end():
    facts = {"seconds": 2.6}

    parts = windows(levels(260), frames=100, overlap=0.5, hop_seconds=0.01, facts=facts)

    assert parts[:, 0, 0, 0].tolist() == [0, 40, 80, 120, 160]
    assert parts[-1, 0, 0, -1] == 259
    assert facts["windows"] == [(0.0, 1.0), (0.4, 1.4), (0.8, 1.8), (1.2, 2.2), (1.6, 2.6)]


@pytest.mark.parametrize("frames", [100, 101, 104, 105])
def test_some_frames_more_than_a_window_are_no_window_of_their_own(frames):
    assert len(windows(levels(frames), frames=100, overlap=0.5)) == 1


@pytest.mark.parametrize("frames", [111, 150, 151, 199, 3000])
@pytest.mark.parametrize("overlap", [0.0, 0.3, 0.9])
def test_every_frame_of_a_long_sound_is_in_a_window(frames, overlap):
    parts = windows(levels(frames), frames=100, overlap=overlap)

    assert set(parts[:, 0, 0].ravel().tolist()) == set(range(frames))


@pytest.mark.parametrize("wrong", [{"frames": 0}, {"overlap": 1.0}, {"overlap": -0.1}])
def test_what_cannot_be_is_told(wrong):
    with pytest.raises(ConfigError):
        windows(levels(30), **{"frames": 10, "overlap": 0.5, **wrong})


def test_a_picture_is_the_scaled_levels_low_sounds_at_the_bottom():
    spectrogram = np.full((1, 1, 4, 4), -90, np.float32)
    spectrogram[0, 0, 0, :] = 10  # the lowest band is loud
    spectrogram[0, 0, 1, :] = -30

    pictures = as_picture(spectrogram, size=4, mean=[0, 0, 0], std=[1, 1, 1], span=80)

    assert pictures.shape == (1, 3, 4, 4)
    assert pictures[0, 0, :, 0].tolist() == [0, 0, 0.5, 1]
    np.testing.assert_array_equal(pictures[0, 0], pictures[0, 2])


def test_a_picture_is_normalised_as_the_network_was_taught():
    loud = np.array([-80, 0], np.float32).repeat(8).reshape(1, 1, 4, 4)

    pictures = as_picture(loud, size=4, mean=MEAN, std=STD)

    expected = [(1 - mean) / std for mean, std in zip(MEAN, STD, strict=True)]
    np.testing.assert_allclose(pictures[0, :, 0, 0], expected, rtol=1e-6)


@pytest.mark.parametrize("size", [64, 224, (96, 320)])
def test_resizing_is_pillows_bilinear(size):
    spectrogram = np.random.default_rng(0).uniform(-80, 0, (2, 1, 128, 200)).astype(np.float32)

    pictures = as_picture(spectrogram, size, [0, 0, 0], [1, 1, 1], span=80, top=0)

    height, width = (size, size) if isinstance(size, int) else size
    grey = Image.fromarray(spectrogram[1, 0, ::-1] / 80 + 1)
    expected = np.asarray(grey.resize((width, height), Image.Resampling.BILINEAR))
    np.testing.assert_allclose(pictures[1, 0], expected, atol=1e-6)


def test_louder_is_the_same_picture_unless_the_top_is_given():
    spectrogram = np.random.default_rng(0).uniform(-60, -20, (1, 1, 8, 8)).astype(np.float32)
    to = {"size": 8, "mean": [0, 0, 0], "std": [1, 1, 1]}

    quiet, loud = as_picture(spectrogram, **to), as_picture(spectrogram + 12, **to)

    np.testing.assert_allclose(quiet, loud, atol=1e-6)
    assert not np.allclose(
        as_picture(spectrogram, **to, top=20.0), as_picture(spectrogram + 12, **to, top=20.0)
    )


def test_the_upper_half_shows_levels_and_the_lower_half_energies():
    spectrogram = np.random.default_rng(0).uniform(-80, 0, (2, 1, 8, 40)).astype(np.float32)
    to = {"mean": [0, 0.5, 0], "std": [1, 2, 1]}

    levels = as_picture(spectrogram, (8, 40), **to)
    pictures = as_picture(spectrogram, (16, 40), **to, energy=True)

    np.testing.assert_array_equal(pictures[:, :, :8], levels)
    energies = normalised_energy(spectrogram[:, 0])[:, ::-1]
    np.testing.assert_allclose(pictures[:, 0, 8:], energies, atol=1e-6)
    np.testing.assert_allclose(pictures[:, 1, 8:], (energies - 0.5) / 2, atol=1e-6)


@pytest.mark.parametrize("energy", [False, True])
def test_silence_is_a_dark_picture(energy):
    silence = np.full((1, 1, 8, 8), -100, np.float32)

    pictures = as_picture(silence, 8, [0, 0, 0], [1, 1, 1], energy=energy)

    assert (pictures == 0).all()
