"""From a picture file's bytes to an array: every kind of picture that people have."""

import io
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .errors import BackendMissing, BadSample
from .quiet import quiet

if TYPE_CHECKING:
    from PIL import Image as Pillow

FORMATS = ("JPEG", "MPO", "PNG", "GIF", "BMP", "TIFF", "WEBP", "PPM", "AVIF", "JPEG2000")
MOST_PIXELS = 89_000_000  # just below the number at which Pillow itself becomes afraid


def decode_picture(
    data: bytes, most_pixels: int = MOST_PIXELS, facts: dict[str, Any] | None = None
) -> NDArray[np.uint8]:
    """The picture in `data`, upright, as (H, W, 3) uint8 RGB.

    Turned as its EXIF says; transparency over white; the first frame of an animation; 16 bits
    scaled to 8; grey, palette and CMYK converted. Notes width and height in `facts`. Raises
    BadSample if there is no whole picture in `data` or it has more than `most_pixels`, which is
    found out before it is decoded."""
    if not data:
        raise BadSample("The file is empty (0 bytes).", "Copy it again from where it came from.")
    with quiet():
        image = _opened(data)
        _check_size(image, most_pixels)
        picture = _pixels(_loaded(image))
    if facts is not None:
        facts["height"], facts["width"] = picture.shape[:2]
    return picture


def _opened(data: bytes) -> "Pillow.Image":
    try:
        from PIL import Image, UnidentifiedImageError
    except ImportError as error:
        raise BackendMissing("Pillow is not installed.", "Run: pip install pillow") from error

    Image.init()
    known = [name for name in FORMATS if name in Image.OPEN]
    try:
        return Image.open(io.BytesIO(data), formats=known)
    except UnidentifiedImageError:
        raise BadSample(
            f"The {len(data)} bytes are not a picture of a known format.",
            f"Save it as JPEG or PNG. Readable are: {', '.join(known)}.",
        ) from None
    except Image.DecompressionBombError as error:
        raise _too_large(str(error)) from None
    except Exception as error:  # decoders raise nearly anything on bytes made to break them
        raise _broken(error) from error


def _check_size(image: "Pillow.Image", most: int) -> None:
    width, height = image.size
    if width * height > most:
        raise _too_large(f"{width} × {height} pixels, at most {most} are allowed")
    if width * height == 0:
        raise BadSample(f"The picture has {width} × {height} pixels.", "Export it again.")


def _loaded(image: "Pillow.Image") -> "Pillow.Image":
    try:
        image.load()
    except Exception as error:  # as above
        raise _broken(error) from error
    return _upright(image)


def _upright(image: "Pillow.Image") -> "Pillow.Image":
    from PIL import ImageOps

    try:
        return ImageOps.exif_transpose(image)
    except Exception:  # EXIF that cannot be read says nothing about which side is up
        return image


def _pixels(image: "Pillow.Image") -> NDArray[np.uint8]:
    if image.mode.startswith(("I", "F")):
        grey = _to_eight_bits(np.asarray(image), image.mode)
        return np.repeat(grey[:, :, None], 3, axis=2)
    try:
        return np.array(_over_white(image).convert("RGB"))
    except Exception as error:  # a mode that Pillow cannot convert, such as LAB
        raise _broken(error) from error


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

    if not image.has_transparency_data:
        return image
    over = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", over.size, "white"), over)


def _too_large(how: str) -> BadSample:
    return BadSample(f"The picture is too large: {how}.", "Make it smaller, or leave it out.")


def _broken(error: Exception) -> BadSample:
    return BadSample(
        f"The picture cannot be decoded: {error}.",
        "It is truncated or damaged: copy it again, or leave it out.",
    )
