"""What a change of a sound promises beside what all do (test_augmentations.py). A new one is tested
here the day it is on the board."""

from dataclasses import asdict

import numpy as np
import pytest

from stages.artifacts import Dataset
from stages.etl.augment import changes_of, resolve_augmentations, view_of
from stages.parts import AUGMENTATIONS
from stages.runtime.errors import ConfigError
from tests.sounds import hiss, saved, tone

NAMES = [name for name in AUGMENTATIONS if "sounds" in AUGMENTATIONS[name].modalities]
HEARD = [name for name in NAMES if AUGMENTATIONS[name].after == ("decode_sound",)]
ON_SPECTROGRAMS = [name for name in NAMES if "log_mel" in AUGMENTATIONS[name].after]
LENGTHS = [1, 2, 3, 777, 16000]


def spectrogram() -> np.ndarray:
    return np.random.default_rng(0).uniform(-80, 0, (64, 101)).astype(np.float32)


def of_labels(classes: list[int], labels: int = 3) -> np.ndarray:
    return np.eye(labels, dtype=np.float32)[classes]


@pytest.mark.parametrize("name", HEARD)
@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize("peak", [0.0, 0.5, 1.0])
def test_a_waveform_stays_a_waveform_of_its_length_and_range(name, length, peak):
    waveform = tone(peak=peak)[:length]
    waveform.setflags(write=False)

    for seed in range(8):
        changed = AUGMENTATIONS[name]()(waveform, np.random.default_rng(seed))

        assert (changed.shape, changed.dtype) == (waveform.shape, np.float32)
        assert np.abs(changed).max() <= 1


@pytest.mark.parametrize("name", [*HEARD, *ON_SPECTROGRAMS])
def test_an_equal_seed_gives_an_equal_view_and_others_differ(name):
    change, value = AUGMENTATIONS[name](), tone() if name in HEARD else spectrogram()

    views = [change(value, np.random.default_rng(seed)).tobytes() for seed in range(16)]
    again = [change(value, np.random.default_rng(seed)).tobytes() for seed in range(16)]

    assert views == again
    assert len(set(views)) > 8


@pytest.mark.parametrize("name", HEARD)
def test_silence_stays_silence(name):
    silence = np.zeros(1000, np.float32)

    changed = AUGMENTATIONS[name]()(silence, np.random.default_rng(0))

    np.testing.assert_array_equal(changed, silence)


def test_a_shifted_sound_is_the_sound_with_silence_before_or_after_it():
    waveform = np.arange(1, 101, dtype=np.float32) / 100

    for seed in range(20):
        moved = AUGMENTATIONS["time_shift"](most=0.3)(waveform, np.random.default_rng(seed))

        audible = moved[moved > 0]
        assert len(audible) >= 70
        assert audible.tobytes() in waveform.tobytes()


def test_gain_is_within_its_decibels():
    changes = []
    for seed in range(100):
        louder = AUGMENTATIONS["gain"](decibels=6)(tone(peak=0.1), np.random.default_rng(seed))
        changes.append(20 * np.log10(np.abs(louder).max() / 0.1))

    assert -6.01 < min(changes) < -4
    assert 4 < max(changes) < 6.01


def test_noise_has_its_signal_to_noise_ratio_and_two_colours():
    change = AUGMENTATIONS["background_noise"](lowest=20, highest=20)
    quiet = tone(peak=0.2, seconds=4)

    tilts = []
    for seed in range(12):
        noise = change(quiet, np.random.default_rng(seed)) - quiet
        assert 10 * np.log10(np.mean(quiet**2) / np.mean(noise**2)) == pytest.approx(20, abs=0.1)
        energy = np.abs(np.fft.rfft(noise)) ** 2
        tilts.append(energy[40:4000].mean() / energy[-4000:].mean())

    assert min(tilts) < 1.3  # white
    assert max(tilts) > 10  # pink


def test_a_ratio_that_is_upside_down_is_told():
    with pytest.raises(ConfigError, match="lowest is 30, highest 20"):
        AUGMENTATIONS["background_noise"](lowest=30, highest=20)


def test_masks_are_stripes_of_the_mean_within_their_shares():
    original = spectrogram()
    change = AUGMENTATIONS["spec_mask"](bands=0.2, time=0.1, masks=1)

    hidden = [change(original, np.random.default_rng(seed)) != original for seed in range(50)]

    rows = [int(mask.all(axis=1).sum()) for mask in hidden]
    columns = [int(mask.all(axis=0).sum()) for mask in hidden]
    assert 0 < max(rows) <= 0.2 * 64
    assert 0 < max(columns) <= 0.1 * 101
    for mask in hidden:
        whole = mask.all(axis=1)[:, None] | mask.all(axis=0)[None]
        np.testing.assert_array_equal(mask, whole)


@pytest.mark.parametrize("shape", [(1, 1), (2, 3), (64, 1)])
def test_a_mask_fits_the_smallest_spectrogram(shape):
    change = AUGMENTATIONS["spec_mask"](bands=1, time=1, masks=20)

    assert change(np.ones(shape, np.float32), np.random.default_rng(0)).shape == shape


def test_mixup_mixes_inputs_and_targets_by_one_share():
    inputs = np.array([[0.0], [1.0], [2.0], [3.0]], np.float32)
    values = np.array([[0.0], [1.0], [2.0], [3.0]], np.float32)

    mixed, targets = AUGMENTATIONS["mixup"](alpha=1)(
        inputs, of_labels([0, 1, 2, 3], 4), np.random.default_rng(0)
    )

    np.testing.assert_allclose(targets.sum(axis=1), 1, rtol=1e-6)
    np.testing.assert_allclose(targets @ values, mixed, rtol=1e-6)
    assert (mixed != inputs).any()


def test_mixup_of_nothing_leaves_the_batch():
    inputs, targets = hiss()[:12].reshape(4, 3), of_labels([0, 1, 2, 0])

    mixed = AUGMENTATIONS["mixup"](alpha=0)(inputs, targets, np.random.default_rng(0))

    np.testing.assert_array_equal(mixed[0], inputs)
    np.testing.assert_array_equal(mixed[1], targets)


def test_each_is_applied_after_its_step_on_the_way_to_the_network():
    changes = [{"gain": {"decibels": 12}}, {"spec_mask": {"masks": 3}}, {"mixup": {}}]
    applied = resolve_augmentations(changes, "sounds", "heads")
    dataset = Dataset(
        task="sound_classification",
        labels=("a", "b"),
        revision="1",
        counts={},
        augmentations=applied,
    )
    options = {"rate": 16000, "window": 512, "hop": 160, "bands": 64, "low": 50.0, "high": 8000.0}
    steps = [
        {"step": "decode_sound", "args": {"rate": 16000}},
        {"step": "log_mel", "args": options},
        {"step": "windows", "args": {"frames": 101}},
    ]
    data = saved(hiss())

    plain, view, again = (view_of(steps, data, dataset, "ab", k).windows for k in (0, 1, 1))

    assert plain.shape == view.shape == (1, 1, 64, 101)
    assert view.tobytes() == again.tobytes()
    louder = view - plain  # everywhere the same, but where it is masked
    hidden = ~np.isclose(louder, np.median(louder), atol=0.01)
    assert abs(np.median(louder)) > 0.1
    assert 0.01 < hidden.mean() < 0.5
    assert [asdict(change) for change in changes_of(dataset, "batch")] == [{"alpha": 0.2}]
