"""Pictures of every kind of pixels that JPEG and PNG have, and sounds of several formats."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from PIL import Image
from PIL.PngImagePlugin import PngInfo

MODES = ("RGB", "L", "CMYK", "RGBA", "LA", "P", "1", "I;16")
ORIENTATION = 0x0112


def photos(folder: Path, rounds: int = 2) -> Iterator[Path]:
    rng = np.random.default_rng(3)
    for number, mode in enumerate(MODES * rounds):
        height, width = (int(side) for side in rng.integers(17, 300, 2))
        picture = _picture(rng, mode, height, width)
        exif = Image.Exif()
        exif[ORIENTATION] = number % 8 + 1
        if mode in ("RGB", "L", "CMYK"):
            path = folder / f"{number}-{mode}.jpg"
            options = {"progressive": number >= len(MODES), "subsampling": number % 3}
            picture.save(path, quality=60 + number, exif=exif, **options)
            yield path
        if mode != "CMYK":
            path = folder / f"{number}-{mode.replace(';', '')}.png"
            picture.save(path, exif=exif, pnginfo=_text(), **_transparent(mode, number))
            yield path


def _text() -> PngInfo:
    info = PngInfo()
    info.add_text("Comment", "a text")
    return info


def _transparent(mode: str, number: int) -> dict[str, Any]:
    """A colour of pictures without alpha that is transparent, in the second round."""
    if number < len(MODES):
        return {}
    return {"L": {"transparency": 30}, "P": {"transparency": 3}}.get(mode, {})


def _picture(rng: np.random.Generator, mode: str, height: int, width: int) -> Image.Image:
    coarse = rng.integers(0, 256, (height // 8 + 2, width // 8 + 2, 4), np.uint8)
    picture = Image.fromarray(coarse, "RGBA").resize((width, height), Image.Resampling.BICUBIC)
    if mode == "P":
        return picture.convert("RGB").convert("P", palette=Image.Palette.ADAPTIVE)
    if mode == "I;16":
        return Image.fromarray(np.asarray(picture.convert("L"), np.uint16) * 257)
    return picture.convert(mode)


def sounds(folder: Path) -> Iterator[Path]:
    rng = np.random.default_rng(4)
    kinds = [("WAV", "PCM_16"), ("WAV", "FLOAT"), ("WAV", "PCM_24"), ("FLAC", "PCM_16")]
    kinds += [("OGG", "VORBIS"), ("WAV", "ULAW"), ("WAV", "PCM_U8")]
    for number, (form, subtype) in enumerate(kinds * 2):
        rate = (16000, 44100, 8000, 22050, 48000)[number % 5]
        seconds, channels = rng.uniform(0.3, 3), 1 + number % 2
        wave = _tone(rng, rate, seconds, channels)
        if number == 9:
            wave[:, 1] = -wave[:, 0]  # they cancel each other
        path = folder / f"{number}-{subtype}.{form.lower()}"
        soundfile.write(path, wave, rate, subtype, format=form)
        yield path


def _tone(rng: np.random.Generator, rate: int, seconds: float, channels: int) -> Any:
    time = np.arange(int(rate * seconds)) / rate
    pitch = rng.uniform(200, 3000, channels)
    noise = rng.normal(0, 0.05, (len(time), channels))
    return (0.5 * np.sin(2 * np.pi * time[:, None] * pitch) + noise).clip(-1, 1)
