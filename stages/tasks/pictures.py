"""What every picture task needs of one picture: its facts for the manifest, and a thumbnail."""

import io
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import numpy as np

from stages.runtime.pictures import decode_picture

if TYPE_CHECKING:
    from stages.config import EtlConfig

LOOK_SIDE = 64


def inspect_picture(data: bytes, config: "EtlConfig") -> dict[str, Any]:
    """The facts of the picture in `data`: width, height, `same`, `hash` and `look`.

    `same` is equal for equal pixels, however they are stored. `hash` is a 64-bit perceptual hash
    (imagehash's phash) and `look` a small grey picture (64, 64 uint8), both only if near duplicates
    are looked for. Raises BadSample for bytes that the device could not decode either."""
    picture = decode_picture(data)
    height, width = picture.shape[:2]
    shape = f"{width}x{height}:".encode()
    facts = {
        "width": width,
        "height": height,
        "same": sha256(shape + picture.tobytes()).hexdigest(),
    }
    return {**facts, **_looks(picture)} if config.near_duplicates else facts


def _looks(picture: np.ndarray) -> dict[str, Any]:
    import imagehash
    from PIL import Image

    grey = Image.fromarray(picture).convert("L")
    bits = np.packbits(imagehash.phash(grey).hash.ravel())
    look = grey.resize((LOOK_SIDE, LOOK_SIDE), Image.Resampling.BILINEAR, reducing_gap=3.0)
    return {"hash": int.from_bytes(bits.tobytes()), "look": np.asarray(look)}


def thumbnail(data: bytes, side: int) -> bytes:
    """The picture in `data` as a JPEG, neither side longer than `side`. Raises BadSample."""
    return small_jpeg(decode_picture(data), side)


def small_jpeg(picture: np.ndarray, side: int) -> bytes:
    """`picture` (H, W, 3 uint8) as a JPEG, neither side longer than `side`."""
    from PIL import Image

    image = Image.fromarray(picture)
    image.thumbnail((side, side), Image.Resampling.BILINEAR)
    out = io.BytesIO()
    image.save(out, "JPEG", quality=80)
    return out.getvalue()
