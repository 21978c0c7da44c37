"""The process that decodes samples for `sample_views.py`: messages come in on standard input, and
answers go out on standard output, each a header in JSON and bytes."""

import io
from collections.abc import Callable
from typing import Any

from stages.runtime.errors import BadSample
from stages.studio.message_process import answer_messages

MEMORY = 3 * 2**30  # bytes of address space
THUMBNAIL, SIDE, SMALL = 160, 1600, 400  # pixels of the longer side
LONG = 120  # seconds; a longer sound is played at the lower rate
RATES = (44100, 16000)


def thumbnail(data: bytes, modality: str) -> tuple[dict[str, Any], bytes]:
    """A small JPEG: of the picture, or of the sound's spectrogram."""
    from stages.parts import MODALITIES

    return {"type": "image/jpeg"}, MODALITIES[modality]().thumbnail(data, THUMBNAIL)


def view(data: bytes, modality: str) -> tuple[dict[str, Any], bytes]:
    """The picture, upright, at most SIDE wide and high; of a sound its spectrogram."""
    if modality == "sounds":
        return _spectrogram(data)
    from PIL import Image

    from stages.media.pictures import small_jpeg
    from stages.runtime.pictures import shown_picture

    picture = shown_picture(data)
    facts = {"width": picture.shape[1], "height": picture.shape[0]}
    if max(picture.shape[:2]) > SMALL:
        return {"type": "image/jpeg", **facts}, small_jpeg(picture, SIDE, 90)
    out = io.BytesIO()
    Image.fromarray(picture).save(out, "PNG", compress_level=1)
    return {"type": "image/png", **facts}, out.getvalue()


def sound(data: bytes, modality: str) -> tuple[dict[str, Any], bytes]:
    """The sound as a WAV that every browser plays, in one channel of 16 bits."""
    import numpy as np
    import soundfile

    from stages.runtime.sounds import decode_sound

    facts: dict[str, Any] = {}
    waveform = decode_sound(data, RATES[1], facts=facts)
    rate = RATES[1] if facts["seconds"] > LONG else RATES[0]
    if rate != RATES[1]:
        waveform = decode_sound(data, rate)
    out = io.BytesIO()
    soundfile.write(out, np.clip(waveform, -1, 1), rate, format="WAV", subtype="PCM_16")
    return {"type": "audio/wav", "seconds": len(waveform) / rate}, out.getvalue()


VIEWS: dict[str, Callable[[bytes, str], tuple[dict[str, Any], bytes]]] = {
    "thumbnail": thumbnail,
    "view": view,
    "sound": sound,
}


def main() -> None:
    """Answer messages until standard input ends."""
    _bound_memory()
    answer_messages(_answered)


def _answered(request: dict[str, Any], data: bytes) -> tuple[dict[str, Any], bytes]:
    try:
        return VIEWS[request["what"]](data, request["modality"])
    except BadSample as error:
        return {"problem": error.problem, "remedy": error.remedy}, b""
    except MemoryError:
        return {"problem": "The file is too large.", "remedy": ""}, b""


def _spectrogram(data: bytes) -> tuple[dict[str, Any], bytes]:
    from stages.media.drawn_sounds import spectrogram_jpeg
    from stages.runtime.sounds import decode_sound

    waveform = decode_sound(data, RATES[1])
    facts = {"type": "image/jpeg", "seconds": len(waveform) / RATES[1]}
    return facts, spectrogram_jpeg(waveform, RATES[1], SIDE // 2)


def _bound_memory() -> None:
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
