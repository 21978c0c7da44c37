"""A waveform at another rate: what can be heard stays, what cannot does not fold back."""

import numpy as np
import pytest
from scipy.signal import resample_poly

from stages.runtime.resampling import MOST_WEIGHTS, _filters, _ratio, resampled
from tests.sounds import hiss, tone

INNER = slice(300, -300)  # away from the ends, where silence begins


def level(waveform) -> float:
    """Decibels below a full sine."""
    return float(10 * np.log10(2 * np.mean(waveform[INNER].astype(np.float64) ** 2) + 1e-20))


@pytest.mark.parametrize(("rate", "wanted"), [(44100, 16000), (48000, 16000), (8000, 22050)])
def test_it_is_what_scipy_makes_of_speech_band_noise(rate, wanted):
    low = resample_poly(hiss(2, 4000, peak=0.5), rate // 100, 4000 // 100)  # nothing above 2 kHz
    up, down = wanted // 50, rate // 50

    ours = resampled(low.astype(np.float32), rate, wanted)

    theirs = resample_poly(low, up, down, window=("kaiser", 12.0))
    assert len(ours) == len(theirs)
    np.testing.assert_allclose(ours[INNER], theirs[INNER], atol=2e-3)


@pytest.mark.parametrize("hertz", [100, 440, 3000, 6000, 6600])
def test_a_tone_that_fits_keeps_its_level(hertz):
    heard = resampled(tone(hertz, rate=44100, peak=1), 44100, 16000)

    assert level(heard) == pytest.approx(0, abs=0.02)


@pytest.mark.parametrize("hertz", [8000, 9000, 12000, 21000])
def test_a_tone_that_does_not_fit_is_gone(hertz):
    heard = resampled(tone(hertz, rate=44100, peak=1), 44100, 16000)

    assert level(heard) < -75


@pytest.mark.parametrize("length", [1, 2, 3, 440, 441, 442, 1000])
def test_every_length_has_its_length(length):
    waveform = np.full(length, 0.5, np.float32)

    heard = resampled(waveform, 44100, 16000)

    assert len(heard) == -(-length * 160 // 441)
    assert np.isfinite(heard).all()


def test_there_and_back_is_where_it_was():
    low = resampled(hiss(1, 8000, peak=0.5), 8000, 16000)

    back = resampled(resampled(low, 16000, 44100), 44100, 16000)

    np.testing.assert_allclose(back[INNER], low[INNER], atol=1e-3)


def test_the_same_rate_changes_nothing():
    waveform = hiss()

    assert resampled(waveform, 16000, 16000) is waveform


@pytest.mark.parametrize("rate", [44101, 48008, 383999])
def test_rates_with_next_to_nothing_in_common_cost_little_and_sound_the_same(rate):
    up, down = _ratio(rate, 16000)
    clip = tone(1000, seconds=1.0, rate=rate, peak=1)

    heard = resampled(clip, rate, 16000)

    assert _filters(up, down).size <= MOST_WEIGHTS
    assert len(heard) == -(-len(clip) * 16000 // rate)
    assert level(heard) == pytest.approx(0, abs=0.02)
    assert np.argmax(np.abs(np.fft.rfft(heard, 16000))) == pytest.approx(1000, abs=1)


def test_usual_rates_are_taken_as_they_are():
    assert _ratio(44100, 16000) == (160, 441)
    assert _ratio(11025, 16000) == (640, 441)
    assert _ratio(22255, 16000) == (3200, 4451)
