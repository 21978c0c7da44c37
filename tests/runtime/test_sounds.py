"""What comes of a sound file's bytes: one channel at the wanted rate, or what is wrong and what to
do about it."""

import io
import sys

import numpy as np
import pytest

from stages.runtime.errors import BackendMissing, BadSample
from stages.runtime.sounds import decode_sound, loudest_of_cancelling, read_sound
from tests.sounds import hiss, saved, tone

STORED = [
    ("WAV", "PCM_U8", 1 / 127),
    ("WAV", "PCM_16", 4e-5),
    ("WAV", "PCM_24", 1e-6),
    ("WAV", "PCM_32", 1e-6),
    ("WAV", "FLOAT", 1e-7),
    ("WAV", "DOUBLE", 1e-7),
    ("FLAC", "PCM_24", 1e-6),
    ("OGG", "VORBIS", 0.02),
    ("MP3", "MPEG_LAYER_III", 0.02),
]


@pytest.mark.parametrize(("format", "subtype", "error"), STORED)
def test_a_tone_is_the_same_however_it_is_stored(format, subtype, error):
    stored = saved(tone(), format=format, subtype=subtype)

    heard = decode_sound(stored, 16000)

    assert heard.dtype == np.float32
    assert len(heard) == len(tone())
    inner = slice(800, -800)  # lossy ones smear the ends
    np.testing.assert_allclose(heard[inner], tone()[inner], atol=error)


def test_channels_are_averaged():
    stereo = np.stack([tone(peak=0.4), tone(peak=0.2)], axis=1)
    facts = {}

    heard = decode_sound(saved(stereo, subtype="FLOAT"), 16000, facts=facts)

    np.testing.assert_allclose(heard, tone(peak=0.3), atol=1e-6)
    assert facts == {"seconds": 1.0, "rate": 16000, "channels": 2}


CANCELLING = {
    "opposite": (1, -1),
    "opposite and quieter": (1, -0.7),
    "the second louder": (-0.5, 0.8),
    "two pairs": (1, -1, 1, -1),
}


@pytest.mark.parametrize("kind", list(CANCELLING))
def test_of_channels_that_cancel_each_other_the_loudest_is_taken(kind):
    factors = CANCELLING[kind]
    stereo = np.stack([factor * tone() for factor in factors], axis=1)
    loudest = max(factors, key=abs)

    heard = decode_sound(saved(stereo, subtype="FLOAT"), 16000)

    np.testing.assert_allclose(heard, loudest * tone(), atol=1e-6)
    assert loudest_of_cancelling(stereo) == factors.index(loudest)


@pytest.mark.parametrize("other", [tone(), np.zeros(16000), hiss(seed=1), tone(880), -0.2 * tone()])
def test_channels_that_do_not_cancel_each_other_are_averaged(other):
    stereo = np.stack([tone(), other], axis=1).astype(np.float32)

    heard = decode_sound(saved(stereo, subtype="FLOAT"), 16000)

    np.testing.assert_allclose(heard, stereo.mean(axis=1), atol=1e-6)
    assert loudest_of_cancelling(stereo) is None


@pytest.mark.parametrize("rate", [8000, 22050, 44100, 48000, 44099])
def test_a_tone_of_any_rate_is_that_tone_at_the_wanted_one(rate):
    facts = {}

    heard = decode_sound(saved(tone(rate=rate), rate, subtype="FLOAT"), 16000, facts=facts)

    assert facts["rate"] == rate
    assert len(heard) == pytest.approx(16000, abs=1)
    inner = slice(400, 15600)  # the ends are cut by silence
    np.testing.assert_allclose(heard[inner], tone()[: len(heard)][inner], atol=2e-4)


def test_louder_than_full_scale_is_cut_off_as_a_loudspeaker_would():
    heard = decode_sound(saved(tone(peak=1.5), subtype="FLOAT"), 16000)

    assert heard.max() == 1
    assert heard.min() == -1


def test_one_sample_is_a_sound():
    heard = decode_sound(saved(np.array([0.5]), subtype="FLOAT"), 16000)

    np.testing.assert_array_equal(heard, np.array([0.5], np.float32))


@pytest.mark.parametrize("format", ["WAV", "OGG"])
def test_a_sound_of_zero_length_is_told(format):
    with pytest.raises(BadSample, match="no samples") as error:
        decode_sound(saved(np.zeros(0), format=format), 16000)

    assert "Record" in error.value.remedy


@pytest.mark.parametrize("format", ["FLAC", "OGG", "MP3"])
def test_an_hour_is_refused_before_it_is_decoded(format, monkeypatch):
    import soundfile

    stored = io.BytesIO()
    with soundfile.SoundFile(stored, "w", 8000, 1, format=format) as file:
        for _ in range(60):
            file.write(np.zeros(60 * 8000, np.float32))

    read = []
    monkeypatch.setattr(soundfile.SoundFile, "read", lambda *args, **kwargs: read.append(1))
    with pytest.raises(BadSample, match="60 min 0 s long; at most 10 min 0 s") as error:
        decode_sound(stored.getvalue(), 16000)

    assert "Cut it" in error.value.remedy
    assert not read


def test_text_named_wav_is_told():
    with pytest.raises(BadSample, match="not a sound of a known format") as error:
        decode_sound(b"file,label\nkick.wav,kick\n", 16000)

    assert "WAV" in error.value.remedy


def test_an_empty_file_is_told():
    with pytest.raises(BadSample, match="0 bytes"):
        decode_sound(b"", 16000)


@pytest.mark.parametrize("format", ["WAV", "FLAC", "OGG", "MP3"])
@pytest.mark.parametrize("share", [0.02, 0.3, 0.7, 0.97])
def test_a_truncated_file_is_told(format, share):
    whole = saved(hiss(3), format=format)

    with pytest.raises(BadSample) as error:
        decode_sound(whole[: int(share * len(whole))], 16000)

    assert error.value.remedy


@pytest.mark.parametrize("format", ["WAV", "FLAC", "OGG", "MP3"])
def test_damaged_bytes_are_a_sound_or_told(format):
    whole = np.frombuffer(saved(hiss(1), format=format), np.uint8)
    rng = np.random.default_rng(0)

    for _ in range(30):
        damaged = whole.copy()
        damaged[rng.integers(0, len(whole), 20)] = rng.integers(0, 256, 20)
        try:
            heard = decode_sound(damaged.tobytes(), 16000)
        except BadSample:
            continue
        assert np.isfinite(heard).all()


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_samples_that_are_no_numbers_are_told(wrong):
    samples = tone()
    samples[7] = wrong

    with pytest.raises(BadSample, match="1 samples that are no numbers"):
        decode_sound(saved(samples, subtype="FLOAT"), 16000)


def test_a_wav_written_to_a_pipe_does_not_know_its_length_and_is_read():
    piped = bytearray(saved(tone(), subtype="PCM_16"))
    at = piped.index(b"data") + 4
    piped[4:8] = piped[at : at + 4] = b"\xff\xff\xff\xff"

    heard = decode_sound(bytes(piped), 16000)

    np.testing.assert_allclose(heard, tone(), atol=4e-5)


def test_what_is_stored_is_read_as_it_is():
    stereo = np.stack([tone(rate=44100), hiss(rate=44100)], axis=1)

    sound = read_sound(saved(stereo, 44100, subtype="PCM_16"))

    assert (sound.rate, sound.subtype) == (44100, "PCM_16")
    np.testing.assert_allclose(sound.samples, stereo, atol=4e-5)


def test_without_soundfile_it_says_what_to_install(monkeypatch):
    stored = saved(tone())
    monkeypatch.setitem(sys.modules, "soundfile", None)

    with pytest.raises(BackendMissing, match="soundfile is not installed") as error:
        decode_sound(stored, 16000)

    assert error.value.remedy == "Run: pip install 'soundfile>=0.11.0'"
