"""Log-mel and MFCC in numpy are those that Paddle computes: training and device hear one thing."""

import numpy as np
import pytest

from stages.runtime.errors import ConfigError
from stages.runtime.spectrograms import log_mel, mfcc
from tests.sounds import hiss, tone

PADDLE = {  # ours -> theirs
    "plain": (
        {"window": 512, "hop": 160, "low": 50.0, "high": 8000.0},
        {"n_fft": 512, "hop_length": 160},
    ),
    "short window, HTK": (
        {"window": 400, "hop": 160, "fft": 512, "low": 125.0, "high": 7500.0, "scale": "htk"},
        {"n_fft": 512, "win_length": 400, "hop_length": 160, "f_min": 125, "f_max": 7500}
        | {"htk": True},
    ),
    "magnitude": (
        {"window": 1024, "hop": 256, "low": 0.0, "high": 8000.0, "power": 1.0},
        {"n_fft": 1024, "hop_length": 256, "f_min": 0.0, "power": 1.0},
    ),
}
YAMNET = {"rate": 16000, "window": 400, "hop": 160, "fft": 512, "bands": 64, "low": 125.0}
YAMNET |= {"high": 7500.0, "power": 1.0, "scale": "htk", "norm": False, "centre": False}
YAMNET |= {"log": "natural", "floor": 0.001}


def recording() -> np.ndarray:
    return hiss(2) + tone(440, 2, peak=0.3) + tone(3100, 2, peak=0.01)


@pytest.mark.parametrize("options", PADDLE)
def test_log_mel_is_paddles_within_a_thousandth_of_a_decibel(options):
    import paddle
    from paddle.audio.features import LogMelSpectrogram

    ours, theirs = PADDLE[options]
    waveform = recording()

    mel = log_mel(waveform, rate=16000, bands=64, **ours)

    layer = LogMelSpectrogram(sr=16000, n_mels=64, **theirs)
    expected = layer(paddle.to_tensor(waveform[None])).numpy()[0]
    assert mel.dtype == np.float32
    np.testing.assert_allclose(mel, expected, atol=1e-3)


@pytest.mark.parametrize("options", PADDLE)
def test_mfcc_is_paddles_within_a_thousandth(options):
    import paddle
    from paddle.audio.features import MFCC

    ours, theirs = PADDLE[options]
    waveform = recording()

    coefficients = mfcc(waveform, count=20, rate=16000, bands=64, **ours)

    layer = MFCC(sr=16000, n_mels=64, n_mfcc=20, **theirs)
    np.testing.assert_allclose(
        coefficients, layer(paddle.to_tensor(waveform[None])).numpy()[0], atol=1e-3
    )


def test_yamnets_front_end_makes_96_frames_of_its_window():
    mel = log_mel(hiss(0.975), **YAMNET)

    assert mel.shape == (64, 96)


def test_yamnets_front_end_follows_its_own_words():
    """Frame by frame as the paper's code says it: Hann 400 padded to 512, magnitude, 64 HTK bands
    of height 1 that begin and end where their neighbours peak, log(mel + 0.001)."""
    waveform = recording()
    frame = waveform[320:720] * (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(400) / 400))
    magnitude = np.abs(np.fft.rfft(frame, 512))
    mels = np.linspace(1127 * np.log(1 + 125 / 700), 1127 * np.log(1 + 7500 / 700), 66)
    edges = 700 * (np.exp(mels / 1127) - 1)
    bins = np.arange(257) * 16000 / 512
    expected = []
    for lower, middle, right in zip(edges, edges[1:], edges[2:], strict=False):
        weight = np.interp(bins, [lower, middle, right], [0, 1, 0], left=0, right=0)
        expected.append(np.log(weight @ magnitude + 0.001))

    mel = log_mel(waveform, **YAMNET)

    # HTK's formula on the mel scale is not quite straight between two bands: interp is, in Hz
    np.testing.assert_allclose(mel[:, 2], expected, atol=0.01)


@pytest.mark.parametrize("length", [1, 2, 100, 511, 512, 513])
@pytest.mark.parametrize("centre", [True, False])
def test_a_sound_shorter_than_a_window_has_a_frame(length, centre):
    options = {"rate": 16000, "window": 512, "hop": 160, "bands": 32, "low": 50.0, "high": 8000.0}

    mel = log_mel(hiss()[:length], **options, centre=centre)

    assert mel.shape[1] >= 1
    assert np.isfinite(mel).all()


def test_silence_is_the_floor():
    options = {"rate": 16000, "window": 512, "hop": 160, "bands": 32, "low": 50.0, "high": 8000.0}

    mel = log_mel(np.zeros(4000, np.float32), **options)

    np.testing.assert_allclose(mel, np.full((32, 26), -100), rtol=1e-6)


@pytest.mark.parametrize(
    "wrong",
    [{"high": 9000.0}, {"low": 8000.0}, {"hop": 0}, {"window": 600, "fft": 512}, {"bands": 0}],
)
def test_what_cannot_be_is_told(wrong):
    options = {"rate": 16000, "window": 512, "hop": 160, "bands": 32, "low": 50.0, "high": 8000.0}

    with pytest.raises(ConfigError) as error:
        log_mel(hiss(), **{**options, **wrong})

    assert "Give" in error.value.remedy
