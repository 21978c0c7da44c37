"""Lengths that a header only guesses are settled by decoding; what is missing is told."""

import io
import struct

import numpy as np
import pytest
import soundfile

from stages.runtime import mpeg
from stages.runtime.errors import BadSample
from stages.runtime.sounds import read_sound
from tests.sounds import hiss, saved, tone

WAV = saved(tone(), subtype="PCM_16")
PLACE = WAV.index(b"data") + 4


def stated(size: int, riff: int = 0x7FFFF024) -> bytes:
    """A WAV of a second that states `size` bytes of sound."""
    data = bytearray(WAV)
    data[PLACE : PLACE + 4] = struct.pack("<I", size)
    data[4:8] = struct.pack("<I", riff)
    return bytes(data)


@pytest.mark.parametrize(
    "size",
    [
        pytest.param(0x7FFFF000, id="sox"),
        pytest.param(0xFFFFFFFF, id="ffmpeg"),
        pytest.param(0, id="never filled in"),
        pytest.param(0x7FFFFFFF - 36, id="largest signed"),
        pytest.param(0xFFFFFFFF - 44, id="largest less the header"),
        pytest.param(len(WAV), id="the file's size"),
        pytest.param(len(WAV) - 8, id="the file's size as RIFF counts it"),
    ],
)
@pytest.mark.parametrize("riff", [0, 0xFFFFFFFF, 0x7FFFF024])
def test_a_wav_of_a_pipe_is_read_to_its_end(size, riff):
    sound = read_sound(stated(size, riff))

    np.testing.assert_allclose(sound.samples[:, 0], tone(), atol=4e-5)


@pytest.mark.parametrize("excess", [1, 16, 5_000])
def test_a_wav_that_states_somewhat_more_than_there_is_is_truncated(excess):
    with pytest.raises(BadSample, match=f"32000 of {32000 + excess} bytes"):
        read_sound(stated(32000 + excess, 36 + 32000 + excess))


def test_a_wav_without_sound_before_another_chunk_has_no_samples():
    data = stated(0)[: PLACE + 4] + b"LIST" + struct.pack("<I", 4) + b"INFO"

    with pytest.raises(BadSample, match="no samples"):
        read_sound(data)


@pytest.mark.parametrize("extra", [b"", b"\0\0"])
def test_an_extended_format_in_a_header_of_sixteen_bytes_is_pcm(extra):
    samples = (tone() * 32767).astype("<i2").tobytes()
    fields = struct.pack("<HHIIHH", 0xFFFE, 1, 16000, 32000, 2, 16) + extra
    header = b"WAVEfmt " + struct.pack("<I", len(fields)) + fields
    body = header + b"data" + struct.pack("<I", len(samples)) + samples
    data = b"RIFF" + struct.pack("<I", len(body)) + body

    np.testing.assert_allclose(read_sound(data).samples[:, 0], tone(), atol=7e-5)


def streamed(data: bytes) -> bytes:
    """The FLAC in `data` without its number of samples and checksum, as written to a pipe."""
    out = bytearray(data)
    out[21] &= 0xF0  # the number has 36 bits, before the checksum of 16 bytes
    out[22:42] = bytes(20)
    return bytes(out)


@pytest.mark.parametrize("channels", [1, 2, 6])
@pytest.mark.parametrize("rate", [16000, 96000])
def test_a_streamed_flac_is_read_to_its_end(channels, rate):
    samples = np.stack([hiss(0.5, rate, seed=k) for k in range(channels)], axis=1)

    sound = read_sound(streamed(saved(samples, rate, "FLAC")))

    assert sound.samples.shape == samples.shape
    np.testing.assert_allclose(sound.samples, samples, atol=4e-5)


def test_a_streamed_flac_that_is_cut_off_is_told():
    data = streamed(saved(hiss(3), format="FLAC"))

    with pytest.raises(BadSample, match="decoded to its end"):
        read_sound(data[: len(data) // 2])


@pytest.mark.parametrize("form", ["FLAC", "MP3"])
def test_a_stream_that_is_too_long_is_told(form):
    whole = saved(hiss(3), format=form)
    stream = streamed(whole) if form == "FLAC" else bare(whole)

    with pytest.raises(BadSample, match=r"longer than 2\.0 s|at most 2\.0 s"):
        read_sound(stream, most_seconds=2)


def bare(data: bytes) -> bytes:
    """The MP3 in `data` without the frame of its table."""
    first = next(mpeg.frames(data))
    return data[first.at + first.size :]


def tagged(data: bytes, text: bytes) -> bytes:
    """`data` behind an ID3v2 tag with `text`."""
    size = bytes(len(text) >> shift & 0x7F for shift in (21, 14, 7, 0))
    return b"ID3\x03\0\0" + size + text + data


def variable_rate(seconds: int = 4) -> bytes:
    """An MP3 of a variable bit rate: noise in large frames, silence in small ones, and a tone. By
    the size of its first frames a decoder takes it for a shorter one."""
    quiet = np.zeros(16000 * (seconds - 2), np.float32)
    samples, out = np.concatenate([hiss(1, peak=0.8), quiet, tone(peak=0.8)]), io.BytesIO()
    soundfile.write(out, samples, 16000, format="MP3", bitrate_mode="VARIABLE")
    return out.getvalue()


@pytest.mark.parametrize("text", [b"", b"Information".ljust(500, b"x"), b"Xing Info".ljust(99)])
def test_an_mp3_without_a_table_is_decoded_to_its_end(text):
    stored = bare(variable_rate())
    frames = sum(1 for _ in mpeg.frames(stored))

    sound = read_sound(tagged(stored, text) if text else stored)

    assert len(sound.samples) == pytest.approx(576 * frames, abs=2 * 576)
    assert np.abs(sound.samples[-8000:-2000]).mean() > 0.1


@pytest.mark.parametrize("count", [1, 30, 10**6])
def test_an_mp3_whose_table_states_fewer_frames_is_decoded_to_its_end(count):
    whole = variable_rate()
    table = next(mpeg.frames(whole)).table
    wrong = whole[: table + 8] + count.to_bytes(4, "big") + whole[table + 12 :]

    if count < 10**6:
        assert len(read_sound(wrong).samples) >= 4 * 16000
    else:
        with pytest.raises(BadSample):
            read_sound(wrong)


def test_an_mp3_behind_a_tag_that_mentions_a_table_is_whole():
    stored = tagged(variable_rate(), b"Info Xing".ljust(3000))

    assert len(read_sound(stored).samples) == 4 * 16000


def test_bytes_that_only_look_like_frames_take_no_time():
    assert list(mpeg.frames(b"\xff" * 5_000_000)) == []
    assert mpeg.with_table(b"ID3" + bytes(200)) == b"ID3" + bytes(200)
