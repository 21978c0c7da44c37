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
from .resampling import resampled
from .rules import number, whole

Waveform = NDArray[np.float32]

MOST_SECONDS = 600.0
MOST_VALUES = 60_000_000  # ten minutes of stereo at 48 kHz; 240 MB as float32
LOWEST_RATE, HIGHEST_RATE = 1_000, 384_000
MOST_RATE = 96_000  # of the waveforms that a network takes
STREAM = 2**62  # counts of frames from here on mean a stream of unknown length
FORMATS = "WAV, FLAC, OGG, MP3"


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

    Channels are averaged; values outside -1..1, which float formats allow, are clipped. Writes
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
    """The mean of the channels of `samples` [frames, channels]."""
    if samples.shape[1] == 1:
        return samples[:, 0]
    return np.asarray(samples.mean(axis=1, dtype=np.float64), np.float32)


def read_sound(data: bytes, most_seconds: float = MOST_SECONDS) -> Sound:
    """The recording in `data` as it is stored. Raises what `decode_sound` raises."""
    if not data:
        raise BadSample("The file is empty (0 bytes).", "Copy it again from where it came from.")
    _check_whole(data)
    with _opened(data) as file:
        _check_length(file.frames, file.samplerate, file.channels, most_seconds)
        samples = _samples(file, most_seconds, data)
        if _announces(data) and len(samples) < file.frames:
            raise _truncated(f"{len(samples)} of {file.frames} frames are there")
        _check_samples(samples)
        return Sound(samples, file.samplerate, file.subtype)


def _opened(data: bytes) -> Any:
    soundfile = _library()
    try:
        return soundfile.SoundFile(io.BytesIO(data))
    except Exception as error:  # decoders raise nearly anything on bytes made to break them
        sample = BadSample(
            f"The {len(data)} bytes are not a sound of a known format.",
            f"Save it as WAV or FLAC. Readable are: {FORMATS}.",
        )
        raise _fault(error, sample, data) from error


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
    if data[:3] == b"ID3" or (data[:1] == b"\xff" and data[1:2] >= b"\xe0"):
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
    if min(frames, int(most * rate)) * channels > MOST_VALUES:
        raise BadSample(
            f"The sound has {frames} samples in each of {channels} channels, too many to decode.",
            "Export it with one channel at 48000 samples a second or fewer.",
        )


def _samples(file: Any, most_seconds: float, data: bytes) -> Waveform:
    most = int(most_seconds * file.samplerate) + 1
    try:
        samples: Waveform = file.read(most, dtype="float32", always_2d=True)
    except Exception as error:  # as above
        sample = _truncated(getattr(error, "error_string", "") or "its decoder fails")
        raise _fault(error, sample, data) from error
    if len(samples) == most and file.frames > most:
        raise BadSample(
            f"The sound is longer than {_spoken(most_seconds)}, which is the most that is taken.",
            "Cut it into clips in which one thing is heard.",
        )
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
    if data[:4] in (b"RIFF", b"RF64") and data[8:12] == b"WAVE":
        _check_whole_wav(data)
    if data[:4] == b"OggS":
        _check_whole_ogg(data)


def _check_whole_wav(data: bytes) -> None:
    at = 12
    while at + 8 <= len(data):
        name, size = data[at : at + 4], int.from_bytes(data[at + 4 : at + 8], "little")
        if name == b"data":
            unknown = size in (0, 0xFFFFFFFF)  # written to a pipe, or RF64
            if not unknown and at + 8 + size > len(data):
                raise _truncated(f"{len(data) - at - 8} of {size} bytes of sound are there")
            return
        at += 8 + size + size % 2


def _check_whole_ogg(data: bytes) -> None:
    """Check that the last OGG page is complete: a header of 27 bytes, whose last byte is the number
    of segments, then the sizes of the segments, then the segments (RFC 3533, 6)."""
    at = data.rfind(b"OggS")
    header = data[at : at + 27]
    sizes = data[at + 27 : at + 27 + header[26]] if len(header) == 27 else b""
    if len(header) < 27 or at + 27 + header[26] + sum(sizes) > len(data):
        raise _truncated("its last page is not whole")


def _announces(data: bytes) -> bool:
    """Whether the header gives the exact number of frames; an MP3 without a Xing table does not."""
    is_mpeg = data[:3] == b"ID3" or (data[0] == 0xFF and data[1:2] >= b"\xe0")
    return not is_mpeg or b"Xing" in data[:65536] or b"Info" in data[:65536]


def _truncated(how: str) -> BadSample:
    return BadSample(
        f"The sound cannot be decoded to its end: {how}.",
        "It is truncated or damaged: copy it again, or leave it out.",
    )


def _spoken(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{seconds:.1f} s"
