"""Per-channel energy normalisation: steady noise fades at any level, and onsets stand out."""

import numpy as np
import pytest

from stages.runtime.energy import normalised_energy, pcen


def test_it_is_the_formula_of_the_paper():
    levels = np.array([[0.0, -20.0, -6.0]], np.float32)
    amplitudes = 2**15.5 * 10 ** (levels[0] / 20)
    mean = amplitudes[0]
    expected = []
    for amplitude in amplitudes:
        mean = 0.975 * mean + 0.025 * amplitude
        expected.append((amplitude / (1e-6 + mean) ** 0.98 + 2) ** 0.5 - 2**0.5)

    np.testing.assert_allclose(pcen(levels)[0], expected, rtol=1e-5)


@pytest.mark.parametrize("level", [-60.0, -20.0])
def test_an_onset_is_far_above_steady_noise_of_any_level(level: float):
    levels = np.full((4, 200), level, np.float32)
    levels[2, 100:] += 20

    values = pcen(levels)

    assert np.ptp(values[0]) < 1e-4  # noise stays what it was
    assert values[2, 100] > 2 * values[2, 99]
    assert values[2, 199] < 0.6 * values[2, 100]  # it is the new noise


def test_windows_are_normalised_each_by_itself():
    rng = np.random.default_rng(0)
    levels = rng.uniform(-80, 0, (3, 1, 8, 50)).astype(np.float32)

    np.testing.assert_array_equal(pcen(levels)[1], pcen(levels[1]))


def test_the_scaled_values_reach_from_0_to_1_and_silence_is_0():
    levels = np.random.default_rng(0).uniform(-80, 0, (8, 50)).astype(np.float32)

    values = normalised_energy(levels)

    assert (values.min(), values.max()) == (0, 1)
    assert values.dtype == np.float32
    assert not normalised_energy(np.full((8, 50), -100, np.float32)).any()
