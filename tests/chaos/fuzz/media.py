"""Hostile pictures and sounds: small valid files with random changes, and decompression bombs (many
scans, deep pixels, packed text, false lengths)."""

import io
import struct
import zlib
from functools import cache

import numpy as np
import soundfile
from PIL import Image

from stages.config import EtlConfig
from stages.parts import MODALITIES
from stages.runtime import steps
from stages.runtime.pictures import FORMATS, decode_picture
from tests import sounds
from tests.chaos.fuzz.mutations import NUMBERS, Generator, changed_bytes, pick
from tests.runtime import painting
from tests.runtime.networks import TONES

BOMBS = 0.02  # the share of decompression bombs among the inputs
SIDE = 9400  # a square of this side has slightly fewer pixels than may be decoded
SOUND_FILES = (
    ("WAV", "PCM_16"),
    ("WAV", "FLOAT"),
    ("WAV", "ULAW"),
    ("WAV", "IMA_ADPCM"),
    ("FLAC", "PCM_16"),
    ("OGG", "VORBIS"),
    ("MP3", "MPEG_LAYER_III"),
    ("AIFF", "PCM_16"),
)


def picture(rng: Generator) -> bytes:
    """A picture file, usually a broken one."""
    if rng.random() < BOMBS:
        bomb: bytes = pick(rng, PICTURE_BOMBS)()
        return bomb
    return changed_bytes(pick(rng, _pictures()), rng)


def inspect(data: bytes) -> None:
    """Process a picture as a package, etl and the data page do."""
    steps.run([{"step": "resize", "args": {"size": 64}}], decode_picture(data))
    _inspect("pictures", data)


def sound(rng: Generator) -> bytes:
    """A sound file, usually a broken one."""
    data: bytes = pick(rng, _sounds())
    match float(rng.random()):
        case share if share < BOMBS / 4:
            return pick(rng, (long_silence, lambda: long_silence(384_000, 1, 150)))()
        case share if share < 2 * BOMBS:
            return _lying_header(data, rng)
    return changed_bytes(data, rng)


def listen_to(data: bytes) -> None:
    """Process a sound as a package, etl and the data page do."""
    steps.prepared(TONES["before"], data)
    _inspect("sounds", data)


def _inspect(modality: str, data: bytes) -> None:
    MODALITIES[modality]().inspect(data, EtlConfig())
    MODALITIES[modality]().thumbnail(data, 96)


@cache
def _pictures() -> tuple[bytes, ...]:
    noise = Image.fromarray(
        np.random.default_rng(0).integers(0, 256, (40, 60, 3), dtype=np.uint8), "RGB"
    )
    usual = [painting.saved(noise, name) for name in FORMATS if name in Image.SAVE]
    modes = [painting.saved(noise.convert(mode)) for mode in ("L", "P", "RGBA", "LA", "1")]
    return (
        *usual,
        *modes,
        painting.saved(noise, "JPEG", progressive=True),
        painting.saved(noise.convert("CMYK"), "JPEG"),
        painting.saved(noise, "TIFF", compression="tiff_lzw"),
        painting.saved(noise, "TIFF", compression="tiff_adobe_deflate"),
        painting.saved(noise.convert("F"), "TIFF"),
        painting.deep(40_000),
        painting.turned(),
        painting.animated("GIF"),
        painting.animated("WEBP"),
    )


@cache
def _sounds() -> tuple[bytes, ...]:
    wave = sounds.tone(seconds=0.4)
    stereo = np.stack([wave, -wave], axis=1)
    return tuple(
        sounds.saved(samples, format=name, subtype=subtype)
        for name, subtype in SOUND_FILES
        for samples in (wave, stereo)
    )


@cache
def long_silence(rate: int = 48_000, channels: int = 2, seconds: int = 599) -> bytes:
    """A FLAC file of silence: 100 kB with the largest allowed duration."""
    out = io.BytesIO()
    second = np.zeros((rate, channels), np.int16)
    with soundfile.SoundFile(out, "w", rate, channels, format="FLAC") as file:
        for _ in range(seconds):
            file.write(second)
    return out.getvalue()


def _lying_header(data: bytes, rng: Generator) -> bytes:
    """`data` with some numbers of its header set to a limit of their type."""
    changed = bytearray(data)
    for place in range(4, 44, 4):
        if rng.random() < 0.3:
            changed[place : place + 4] = struct.pack("<I", pick(rng, NUMBERS))
    return bytes(changed)


@cache
def many_scans(count: int = 4000) -> bytes:
    """A progressive JPEG whose last scan is repeated `count` times."""
    data = painting.saved(painting.plain(size=(1600, 1200)), "JPEG", progressive=True)
    last = data.rindex(b"\xff\xda")
    return data[:last] + data[last:-2] * count + b"\xff\xd9"


@cache
def deep_png(colour: int = 6, depth: int = 16, side: int = SIDE) -> bytes:
    """A PNG of black pixels with 16 bits and four channels: small until it is decoded."""
    channels = {0: 1, 2: 3, 4: 2, 6: 4}[colour]
    row = bytes(1 + side * channels * depth // 8)
    packer = zlib.compressobj(1)
    packed = b"".join(packer.compress(row) for _ in range(side)) + packer.flush()
    head = struct.pack(">IIBBBBB", side, side, depth, colour, 0, 0, 0)
    return _png((b"IHDR", head), (b"IDAT", packed))


@cache
def packed_text(name: bytes = b"zTXt") -> bytes:
    """A PNG of one pixel with 400 MB of compressed text or colour profile."""
    packer = zlib.compressobj(9)
    block = bytes(2**20)
    packed = b"".join(packer.compress(block) for _ in range(400)) + packer.flush()
    head = struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)
    pixel = zlib.compress(b"\0\0")
    return _png((b"IHDR", head), (name, b"k\0\0" + packed), (b"IDAT", pixel))


@cache
def flat(format: str, **options: str) -> bytes:
    """A picture of one colour of nearly the largest size that may be decoded."""
    return painting.saved(painting.plain(size=(SIDE, SIDE)), format, **options)


def _png(*chunks: tuple[bytes, bytes]) -> bytes:
    def chunk(name: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        )

    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in (*chunks, (b"IEND", b"")))


@cache
def many_frames(format: str = "GIF") -> bytes:
    """An animation of 2,000 frames, of which one is used."""
    frame = painting.plain(size=(64, 64))
    out = io.BytesIO()
    frame.save(out, format, save_all=True, append_images=[frame.rotate(k) for k in range(2000)])
    return out.getvalue()


PICTURE_BOMBS = (
    many_scans,
    deep_png,
    lambda: deep_png(0),
    lambda: deep_png(2, 8),
    packed_text,
    lambda: packed_text(b"iCCP"),
    lambda: flat("JPEG"),
    lambda: flat("GIF"),
    lambda: flat("TIFF", compression="tiff_adobe_deflate"),
    many_frames,
    lambda: b"P6 9400 9400 65535\n" + bytes(1000),
    lambda: b"P1 9400 9400\n" + b"1 " * 100_000,
)
