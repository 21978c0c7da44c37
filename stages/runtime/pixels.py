"""Converts an opened picture of any kind of pixels to 8-bit RGB, strip by strip.

Converted all at once, it would take many times the memory of the picture."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from PIL import Image as Pillow

TRANSPARENT = ("LA", "La", "PA", "RGBA", "RGBa")
STRIP_PIXELS = 1_000_000  # are converted at a time
DEEPEST = 65535  # the highest level of 16 bits
LEVELS = ("black_level", "white_level")  # the facts of a picture of 16 bits
OUTLIERS = 0.001  # share of the pixels that may be darker, and of those that may be brighter


def pixels(
    image: "Pillow.Image", levels: Sequence[int], facts: dict[str, Any]
) -> NDArray[np.uint8]:
    """`image` as (H, W, 3) uint8. Of 16 bits `levels` become black and white, and the levels that
    the picture uses are written to `facts`; of 32 bits and floats its own range is scaled."""
    width, height = image.size
    out = np.empty((height, width, 3), np.uint8)
    rows = max(1, STRIP_PIXELS // width)
    span = _span(image, rows, levels, facts) if image.mode.startswith(("I", "F")) else None
    opaque = _is_all_transparent(image)
    if opaque:
        facts["all_transparent"] = 1
    for top, strip in _strips(image, rows):
        if span is not None:
            out[top : top + rows] = _to_eight_bits(strip, *span)[:, :, None]
        else:
            visible = strip if opaque else _over_white(strip)
            out[top : top + rows] = np.asarray(visible.convert("RGB"))
    return out


def _strips(image: "Pillow.Image", rows: int) -> Iterator[tuple[int, "Pillow.Image"]]:
    """The first row and the picture of each strip of `rows` rows of `image`."""
    width, height = image.size
    if height <= rows:
        yield 0, image
        return
    for top in range(0, height, rows):
        yield top, image.crop((0, top, width, min(top + rows, height)))


def _span(
    image: "Pillow.Image", rows: int, levels: Sequence[int], facts: dict[str, Any]
) -> tuple[float, float]:
    """The values of black and white in a picture of 16 or 32 bits or floats: `levels` if it has 16
    bits, else its own minimum and maximum."""
    ends = [
        (wide.min(), wide.max()) for _, strip in _strips(image, rows) for wide in [_wide(strip)]
    ]
    low, high = min(low for low, _ in ends), max(high for _, high in ends)
    # 16 bits are read into 32 by some of Pillow's decoders
    if not image.mode.startswith("I") or low < 0 or high > DEEPEST:
        return low, high
    facts.update(zip(LEVELS, _used_levels(image, rows), strict=True))
    return float(levels[0]), float(levels[1])


def _used_levels(image: "Pillow.Image", rows: int) -> tuple[int, int]:
    """The levels between which all but OUTLIERS of the pixels are on either side: a few dead pixels
    of a camera are 0 or 65535 in every picture."""
    counts = np.zeros(DEEPEST + 1, np.int64)
    for _, strip in _strips(image, rows):
        counts += np.bincount(_wide(strip).astype(np.int64).ravel(), minlength=DEEPEST + 1)
    below = np.cumsum(counts)
    ends = (OUTLIERS * below[-1], (1 - OUTLIERS) * below[-1])
    low, high = np.searchsorted(below, ends, side="right")
    return int(low), int(min(high, DEEPEST))


def _wide(image: "Pillow.Image") -> NDArray[np.float64]:
    wide = np.asarray(image).astype(np.float64)
    return np.nan_to_num(wide, copy=False) if image.mode.startswith("F") else wide


def _to_eight_bits(image: "Pillow.Image", low: float, high: float) -> NDArray[np.uint8]:
    """Grey levels from `low` to `high` as 0..255; those beyond are black or white."""
    share = (_wide(image) - low) / (high - low if high > low else 1.0)
    return np.rint(255 * np.clip(share, 0, 1)).astype(np.uint8)


def _over_white(image: "Pillow.Image") -> "Pillow.Image":
    from PIL import Image

    if not _is_transparent(image):
        return image
    over = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", over.size, "white"), over)


def _is_transparent(image: "Pillow.Image") -> bool:
    """Whether `image` has transparent pixels. Pillow's own `has_transparency_data` needs 10.1."""
    if image.mode in TRANSPARENT or "transparency" in image.info:
        return True
    return image.mode == "P" and image.palette is not None and image.palette.mode.endswith("A")


def _is_all_transparent(image: "Pillow.Image") -> bool:
    """Whether every pixel is transparent and yet the colours differ: some programs write a fourth
    channel that they do not use."""
    if image.mode not in ("RGBA", "LA") or image.getchannel("A").getextrema() != (0, 0):
        return False
    ends = [image.getchannel(name).getextrema() for name in image.getbands()[:-1]]
    return any(low != high for low, high in ends)
