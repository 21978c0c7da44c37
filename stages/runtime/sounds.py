"""Decodes sound files of every usual format to waveforms."""

import io
from functools import lru_cache, partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .declaring import declare
from .errors import BackendMissing, BadSample, WorkflowError
from .faults import fault_of
from .libraries import at_least
from .mpeg import announced_frames, is_mpeg, with_table
from .resampling import resampled
from .rules import number, whole
from .signatures import reason_of
from .wav import PLACEHOLDER, corrected, is_wav, missing_bytes

Waveform = NDArray[np.float32]

MOST_SECONDS = 600.0
MOST_VALUES = 60_000_000  # ten minutes of stereo at 48 kHz; 240 MB as float32
LOWEST_RATE, HIGHEST_RATE = 1_000, 384_000
MOST_RATE = 96_000  # of the waveforms that a network takes
STREAM = 2**62  # counts of frames from here on mean a stream of unknown length
SAMPLE_BYTES = {  # of encodings in which every sample has as many
    "PCM_S8": 1, "PCM_U8": 1, "ULAW": 1, "ALAW": 1, "PCM_16": 2, "PCM_24": 3, "PCM_32": 4,
    "FLOAT": 4, "DOUBLE": 8,
}  # fmt: skip
FORMATS = "WAV, FLAC, OGG, MP3"
CANCELLED = 0.1  # share of the channels' energy in their mean, below which they cancel each other
LOUDEST = 0.9  # share of the highest energy from which a channel counts as the loudest, too
BLOCK = 2**20  # frames


class Sound(NamedTuple):
    """A decoded file: `samples` [frames, channels] float32, full scale -1..1; `rate` in frames per
    second; `subtype`, the encoding in the file, as PCM_16."""

    samples: Waveform
    rate: int
    subtype: str


@declare(
    "bytes",
    "waveform",
    rate=whole(LOWEST_RATE, MOST_RATE),
    most_seconds=number(0.01, MOST_SECONDS),
)
def decode_sound(
    data: bytes,
    rate: int,
    most_seconds: float = MOST_SECONDS,
    facts: dict[str, Any] | None = None,
) -> Waveform:
    """The recording in `data` as one channel at `rate` frames a second: [n] float32, -1..1.

    Channels are averaged, or, where they cancel each other, as two in opposite phase do, the
    loudest one is taken; values outside -1..1, which float formats allow, are clipped. Writes
    seconds, rate and channels of the file to `facts`.

    Raises BadSample if `data` is no complete recording, or one of more than `most_seconds`, which
    is checked before decoding; BackendMissing if soundfile is not installed; InfrastructureError if
    soundfile fails on good sounds too."""
    sound = read_sound(data, most_seconds)
    frames, channels = sound.samples.shape
    if facts is not None:
        facts.update(seconds=frames / sound.rate, rate=sound.rate, channels=channels)
    return np.clip(resampled(mono(sound.samples), sound.rate, rate), -1, 1)


def mono(samples: Waveform) -> Waveform:
    """One channel of `samples` [frames, channels]: their mean, or the loudest channel where the
    channels cancel each other."""
    if samples.shape[1] == 1:
        return samples[:, 0]
    channel = loudest_of_cancelling(samples)
    if channel is not None:
        return np.ascontiguousarray(samples[:, channel])
    return np.asarray(samples.mean(axis=1, dtype=np.float64), np.float32)


def loudest_of_cancelling(samples: Waveform) -> int | None:
    """The first of the loudest channels of `samples` [frames, channels], if the mean of the
    channels has less than a tenth of their mean energy; else None.

    Of equal channels the mean has all of it, of unrelated ones the half, of one beside silence
    the half, too."""
    frames, channels = samples.shape
    if channels == 1 or frames == 0:
        return None
    energies, of_mean = np.zeros(channels), 0.0
    for start in range(0, frames, BLOCK):  # as a whole it would be copied as float64
        block = samples[start : start + BLOCK].astype(np.float64)
        energies += np.square(block).sum(axis=0)
        of_mean += float(np.square(block.mean(axis=1)).sum())
    if of_mean >= CANCELLED * energies.mean():
        return None
    return int(np.flatnonzero(energies >= LOUDEST * energies.max())[0])


def read_sound(data: bytes, most_seconds: float = MOST_SECONDS) -> Sound:
    """The recording in `data` as it is stored, to its very end, whatever length its header states.
    Raises what `decode_sound` raises."""
    if not data:
        raise BadSample("The file is empty (0 bytes).", "Copy it again from where it came from.")
    _check_whole(data)
    stored = _settled(data)
    with _opened(stored) as file:
        frames = _stated_frames(file, data)
        _check_length(frames, file.samplerate, file.channels, most_seconds)
        samples = _samples(file, frames, most_seconds, data)
        if _announces(data, stored, frames) and len(samples) < frames:
            raise _truncated(f"{len(samples)} of {frames} frames are there")
        _check_samples(samples)
        return Sound(samples, file.samplerate, file.subtype)


def _settled(data: bytes) -> bytes:
    """`data` with a header that leads a decoder to the end of the recording."""
    if is_mpeg(data):
        return with_table(data)
    return corrected(data) if is_wav(data) else data


def _stated_frames(file: Any, data: bytes) -> int:
    """The number of frames that the header states, or STREAM if it states one that was written
    before the length was known: more than `data` has room for."""
    frames, width = int(file.frames), SAMPLE_BYTES.get(file.subtype, 0)
    size = frames * file.channels * width
    return STREAM if size >= PLACEHOLDER and size > len(data) else frames


def _opened(data: bytes) -> Any:
    stream = _stream(_library().SoundFile)
    try:
        return stream(io.BytesIO(data))
    except Exception as error:  # decoders raise nearly anything on bytes made to break them
        reason = reason_of(data, "sound") or (
            f"The {len(data)} bytes are not a sound of a known format.",
            f"Save it as WAV or FLAC. Readable are: {FORMATS}.",
        )
        sample = BadSample(*reason)
        raise _fault(error, sample, data) from error


@lru_cache(maxsize=1)
def _stream(file: type[Any]) -> type[Any]:
    """soundfile's class `file` for reading from beginning to end: without seeking, which libsndfile
    cannot do in a stream of unknown length."""

    class Stream(file):  # type: ignore[misc]
        def seekable(self) -> bool:
            return False

    return Stream


def _library() -> Any:
    try:
        import soundfile
    except (ImportError, OSError) as error:  # OSError: its C library is not there
        raise BackendMissing(
            f"soundfile is not installed: {error}.", f"Run: pip install '{at_least('soundfile')}'"
        ) from error
    return soundfile


def _fault(error: Exception, sample: BadSample, data: bytes) -> WorkflowError:
    return fault_of(error, sample, "soundfile", partial(_decode_good_sound, _format_of(data)))


def _format_of(data: bytes) -> str:
    """libsndfile's name of the format by the first bytes of `data`; WAV if they match none."""
    if is_mpeg(data):
        return "MP3"
    return {b"fLaC": "FLAC", b"OggS": "OGG"}.get(data[:4], "WAV")


@lru_cache(maxsize=4)  # one success proves that the library works
def _decode_good_sound(name: str) -> None:
    """Make a short sound of the format `name` and decode it. Raises what soundfile raises."""
    soundfile, out = _library(), io.BytesIO()
    soundfile.write(out, np.zeros(2048, np.float32), 16000, format=name)
    with soundfile.SoundFile(io.BytesIO(out.getvalue())) as file:
        file.read(16, dtype="float32", always_2d=True)


def _check_length(frames: int, rate: int, channels: int, most: float) -> None:
    if frames == 0:
        raise BadSample("The sound has no samples (0 seconds).", "Record or export it again.")
    if not LOWEST_RATE <= rate <= HIGHEST_RATE:
        raise BadSample(
            f"The sound has {rate} samples a second; it is {LOWEST_RATE} to {HIGHEST_RATE}.",
            "Export it again at 16000, 44100 or 48000.",
        )
    if frames < STREAM and frames / rate > most:
        raise BadSample(
            f"The sound is {_spoken(frames / rate)} long; at most {_spoken(most)} is taken.",
            "Cut it into clips in which one thing is heard.",
        )
    if frames < STREAM and frames * channels > MOST_VALUES:
        raise _too_many(frames, channels)


def _too_many(frames: int, channels: int) -> BadSample:
    return BadSample(
        f"The sound has {frames} samples in each of {channels} channels, too many to decode.",
        "Export it with one channel at 48000 samples a second or fewer.",
    )


def _samples(file: Any, frames: int, most_seconds: float, data: bytes) -> Waveform:
    most, room = int(most_seconds * file.samplerate), MOST_VALUES // file.channels
    try:
        samples: Waveform = file.read(min(frames, most, room) + 1, dtype="float32", always_2d=True)
    except Exception as error:  # as above
        sample = _truncated(getattr(error, "error_string", "") or "its decoder fails")
        raise _fault(error, sample, data) from error
    if len(samples) > most:
        raise BadSample(
            f"The sound is longer than {_spoken(most_seconds)}, which is the most that is taken.",
            "Cut it into clips in which one thing is heard.",
        )
    if len(samples) > room:
        raise _too_many(len(samples), file.channels)
    return samples


def _check_samples(samples: Waveform) -> None:
    if len(samples) == 0:
        raise BadSample("The sound has no samples (0 seconds).", "Record or export it again.")
    wrong = int(np.count_nonzero(~np.isfinite(samples)))
    if wrong:
        raise BadSample(
            f"The sound has {wrong} samples that are no numbers (NaN or infinite).",
            "Export it again; what made it divided by zero.",
        )


def _check_whole(data: bytes) -> None:
    """Raise BadSample for a truncated WAV or OGG, which libsndfile would read without an error."""
    if is_wav(data):
        there, stated = missing_bytes(data)
        if there < stated:
            raise _truncated(f"{there} of {stated} bytes of sound are there")
    if data[:4] == b"OggS":
        _check_whole_ogg(data)


def _check_whole_ogg(data: bytes) -> None:
    """Check that the last OGG page is complete: a header of 27 bytes, whose last byte is the number
    of segments, then the sizes of the segments, then the segments (RFC 3533, 6)."""
    at = data.rfind(b"OggS")
    header = data[at : at + 27]
    sizes = data[at + 27 : at + 27 + header[26]] if len(header) == 27 else b""
    if len(header) < 27 or at + 27 + header[26] + sum(sizes) > len(data):
        raise _truncated("its last page is not whole")


def _announces(data: bytes, stored: bytes, frames: int) -> bool:
    """Whether `frames` is the exact number that the file states: streams state none, and an MP3
    only in a table of its own."""
    if is_mpeg(data):
        return stored is data and announced_frames(data) is not None
    return frames < STREAM


def _truncated(how: str) -> BadSample:
    return BadSample(
        f"The sound cannot be decoded to its end: {how}.",
        "It is truncated or damaged: copy it again, or leave it out.",
    )


def _spoken(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{seconds:.1f} s"
