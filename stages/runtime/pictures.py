"""From a picture file's bytes to an array: every kind of picture that people have."""

import io
import re
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .declaring import declare
from .errors import BackendMissing, BadSample
from .faults import fault_of
from .libraries import at_least
from .quiet import quiet
from .rules import whole

if TYPE_CHECKING:
    from PIL import Image as Pillow

FORMATS = ("JPEG", "MPO", "PNG", "GIF", "BMP", "TIFF", "WEBP", "PPM", "AVIF", "JPEG2000")
MAGIC = {
    "JPEG": rb"\xff\xd8",
    "PNG": rb"\x89PNG",
    "GIF": rb"GIF8",
    "BMP": rb"BM",
    "TIFF": rb"II\*\0|MM\0\*|II\+\0|MM\0\+",
    "WEBP": rb"RIFF....WEBP",
    "PPM": rb"P[1-6]",
    "JPEG2000": rb"\0\0\0\x0cjP  |\xff\x4f\xff\x51",
}
TRANSPARENT = ("LA", "La", "PA", "RGBA", "RGBa")
ORIENTATION = 0x0112  # EXIF
MOST_PIXELS = 89_000_000  # just below the number at which Pillow itself becomes afraid


@declare("bytes", "picture", most_pixels=whole(1, MOST_PIXELS))
def decode_picture(
    data: bytes, most_pixels: int = MOST_PIXELS, facts: dict[str, Any] | None = None
) -> NDArray[np.uint8]:
    """The picture in `data`, upright, as (H, W, 3) uint8 RGB.

    Turned as its EXIF says; transparency over white; the first frame of an animation; 16 bits
    scaled to 8; grey, palette and CMYK converted. Notes width and height in `facts`. Raises
    BadSample if there is no whole picture in `data` or it has more than `most_pixels`, which is
    found out before it is decoded; InfrastructureError if Pillow fails on good pictures, too;
    BackendMissing if it is not installed."""
    if not data:
        raise BadSample("The file is empty (0 bytes).", "Copy it again from where it came from.")
    with quiet():
        try:
            picture = _decoded(data, most_pixels)
        except Exception as error:  # decoders raise nearly anything on bytes made to break them
            known_good = partial(_known_good, _format_of(data))
            raise fault_of(error, _bad(error, data), "pillow", known_good) from error
    if facts is not None:
        facts["height"], facts["width"] = picture.shape[:2]
    return picture


def _decoded(data: bytes, most_pixels: int) -> NDArray[np.uint8]:
    image = _opened(data)
    _check_size(image, most_pixels)
    image.load()
    return _pixels(_upright(image))


def _opened(data: bytes) -> "Pillow.Image":
    try:
        from PIL import Image
    except ImportError as error:
        raise BackendMissing(
            f"Pillow is not installed: {error}.", f"Run: pip install '{at_least('pillow')}'"
        ) from error

    Image.init()
    return Image.open(io.BytesIO(data), formats=[name for name in FORMATS if name in Image.OPEN])


def _bad(error: Exception, data: bytes) -> BadSample:
    """What `error` says of `data`, if it is the fault of these bytes."""
    name = type(error).__name__
    if name == "UnidentifiedImageError":
        return BadSample(
            f"The {len(data)} bytes are not a picture of a known format.",
            f"Save it as JPEG or PNG. Readable are: {', '.join(FORMATS)}.",
        )
    if name == "DecompressionBombError":
        return _too_large(str(error))
    return BadSample(
        f"The picture cannot be decoded: {error}.",
        "It is truncated or damaged: copy it again, or leave it out.",
    )


def _format_of(data: bytes) -> str:
    """Pillow's name of the format that `data` begin as; PNG for what is none."""
    if data[4:8] == b"ftyp":
        return "AVIF" if data[8:12] in (b"avif", b"avis") else "PNG"
    return next(
        (name for name, start in MAGIC.items() if re.match(start, data[:16], re.DOTALL)), "PNG"
    )


@lru_cache(maxsize=len(FORMATS))  # once a good picture was decoded, Pillow is sound
def _known_good(name: str) -> None:
    """Make small pictures of the format `name` and decode them. Raises what Pillow raises."""
    from PIL import Image

    more = {"compression": "tiff_lzw"} if name == "TIFF" else {}
    for mode, format in (("RGB", name), ("RGBA", "PNG"), ("I;16", "PNG")):
        out = io.BytesIO()
        Image.new(mode, (8, 8)).save(out, format, **(more if format == name else {}))
        _decoded(out.getvalue(), MOST_PIXELS)


def _check_size(image: "Pillow.Image", most: int) -> None:
    width, height = image.size
    if width * height > most:
        raise _too_large(f"{width} × {height} pixels, at most {most} are allowed")
    if width * height == 0:
        raise BadSample(f"The picture has {width} × {height} pixels.", "Export it again.")


def _upright(image: "Pillow.Image") -> "Pillow.Image":
    from PIL import ImageOps

    try:
        return ImageOps.exif_transpose(image)
    except Exception as error:  # EXIF that cannot be read says nothing about which side is up
        fault = fault_of(error, BadSample("EXIF cannot be read."), "pillow", _turns)
        if isinstance(fault, BadSample):
            return image
        raise fault from error


@lru_cache(maxsize=1)
def _turns() -> None:
    """Turn a small picture as EXIF says. Raises what Pillow raises."""
    from PIL import Image, ImageOps

    image = Image.new("RGB", (2, 1))
    image.getexif()[ORIENTATION] = 6
    ImageOps.exif_transpose(image)


def _pixels(image: "Pillow.Image") -> NDArray[np.uint8]:
    if image.mode.startswith(("I", "F")):
        grey = _to_eight_bits(np.asarray(image), image.mode)
        return np.repeat(grey[:, :, None], 3, axis=2)
    return np.array(_over_white(image).convert("RGB"))


def _to_eight_bits(values: NDArray[Any], mode: str) -> NDArray[np.uint8]:
    """Grey levels of 16 or 32 bits or floats as 0..255: by the type's range, else by their own."""
    wide = np.nan_to_num(values.astype(np.float64))
    low, high = (0.0, 65535.0) if mode.startswith("I;16") else (wide.min(), wide.max())
    if mode == "I" and low >= 0 and high <= 65535:  # 16 bits, read into 32
        low, high = 0.0, 65535.0
    share = (wide - low) / (high - low if high > low else 1.0)
    return np.rint(255 * share).astype(np.uint8)


def _over_white(image: "Pillow.Image") -> "Pillow.Image":
    from PIL import Image

    if not _is_transparent(image):
        return image
    over = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", over.size, "white"), over)


def _is_transparent(image: "Pillow.Image") -> bool:
    """Pillow has `has_transparency_data` from 10.1 on."""
    if image.mode in TRANSPARENT or "transparency" in image.info:
        return True
    return image.mode == "P" and image.palette is not None and image.palette.mode.endswith("A")


def _too_large(how: str) -> BadSample:
    return BadSample(f"The picture is too large: {how}.", "Make it smaller, or leave it out.")
