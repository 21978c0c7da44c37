"""The modality pictures: a photo's facts for the manifest, thumbnail and preview."""

import io
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from stages.artifacts import Box
from stages.media import SMALL
from stages.media.boxes import overlaid, with_boxes
from stages.media.levels import decode_arguments, levels_of
from stages.media.traits import picture_traits
from stages.pages import inline
from stages.runtime.heic import LIBRARY
from stages.runtime.pictures import decode_picture, shown_picture
from stages.runtime.pixels import LEVELS

if TYPE_CHECKING:
    from stages.config import EtlConfig

FINGERPRINT_SIDE = 64
GOLDEN_SIDES = (256, 192, 128, 96, 64)  # of golden samples; 256 is some 20 kB
GOLDEN_QUALITY = 90


class Pictures:
    """Photos and drawings in any usual format."""

    name: ClassVar[str] = "pictures"
    noun: ClassVar[str] = "photo"
    types: ClassVar[tuple[str, ...]] = ("image/",)
    example: ClassVar[tuple[str, str]] = ("photo.jpg", "image/jpeg")
    small_suffix: ClassVar[str] = ".jpg"
    libraries: ClassVar[tuple[str, ...]] = ("pillow",)
    optional_libraries: ClassVar[Mapping[str, str]] = {LIBRARY: "HEIC photos"}
    facts: ClassVar[tuple[str, ...]] = ("width", "height")

    def inspect(self, data: bytes, config: "EtlConfig") -> dict[str, Any]:
        return inspect_picture(data, config)

    def decoding(self, facts: Mapping[str, float]) -> tuple[Mapping[str, Any], ...]:
        return ({"step": "decode_picture", "args": decode_arguments(facts)},)

    def traits(self, data: bytes) -> dict[str, float]:
        return picture_traits(shown_picture(data))

    def summary(self, facts: Sequence[Mapping[str, Any]], config: "EtlConfig") -> dict[str, float]:
        return levels_of(facts)

    def thumbnail(self, data: bytes, side: int, boxes: Sequence[Box] = ()) -> bytes:
        picture = shown_picture(data)
        return small_jpeg(with_boxes(picture, boxes, side) if boxes else picture, side)

    def preview(self, data: bytes, side: int, boxes: Sequence[Box] = ()) -> str:
        return self.drawn(shown_picture(data), side, boxes)

    def drawn(self, value: NDArray[Any], side: int, boxes: Sequence[Box] = ()) -> str:
        image = inline(small_jpeg(value, side))
        if not boxes:
            return f'<img src="{image}" alt="">'
        return overlaid(image, value.shape[1], value.shape[0], side, boxes)

    def golden(self) -> dict[str, bytes]:
        from stages.media.golden_pictures import golden_pictures

        return golden_pictures()

    def small(self, data: bytes, most_bytes: int = SMALL) -> bytes:
        picture, small = (
            shown_picture(data),
            b"",
        )  # a JPEG has 8 bits: a device stretches it no more
        for side in GOLDEN_SIDES:
            small = small_jpeg(picture, side, GOLDEN_QUALITY)
            if len(small) <= most_bytes:
                break
        return small

    def generated(self, seed: int) -> bytes:
        from stages.media.golden_pictures import generated_picture

        return generated_picture(seed)


def inspect_picture(data: bytes, config: "EtlConfig") -> dict[str, Any]:
    """The facts of the picture in `data`: width, height, `same` and `fingerprint`; of one of 16
    bits black_level, white_level and grey_levels, the number of 8-bit levels between these;
    all_transparent, 1 if so.

    `same` is equal for equal pixels, in whatever format they are stored. `fingerprint`: a small
    grey picture, uint8 [64, 64], only with near_duplicates. Raises BadSample for bytes that a
    device could not decode."""
    noted: dict[str, Any] = {"all_transparent": 0}
    picture = decode_picture(data, facts=noted)
    height, width = picture.shape[:2]
    same = sha256(f"{width}x{height}:".encode())
    if levels := [noted[name] for name in LEVELS if name in noted]:
        picture = decode_picture(data, levels=levels)  # else different ones may look equal
        same.update(f"{levels}:".encode())
        noted["grey_levels"] = (levels[1] - levels[0]) // 257 + 1
    same.update(np.ascontiguousarray(picture).data)  # as a whole it would be copied twice
    facts = {
        **noted,
        "width": width,
        "height": height,
        "short_side": min(width, height),
        "long_side": max(width, height),
        "same": same.hexdigest(),
    }
    return {**facts, "fingerprint": fingerprint_of(picture)} if config.near_duplicates else facts


def fingerprint_of(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """`picture`, uint8 [H, W, 3], in grey and resized, regardless of proportions, to uint8
    [64, 64]."""
    from PIL import Image

    grey = Image.fromarray(picture).convert("L")
    size = (FINGERPRINT_SIDE, FINGERPRINT_SIDE)
    return np.array(grey.resize(size, Image.Resampling.BILINEAR, reducing_gap=3.0))


def small_jpeg(picture: NDArray[np.uint8], side: int, quality: int = 80) -> bytes:
    """`picture`, uint8 [H, W, 3], as a JPEG, neither side longer than `side`."""
    from PIL import Image

    image = Image.fromarray(picture)
    image.thumbnail((side, side), Image.Resampling.BILINEAR)
    out = io.BytesIO()
    image.save(out, "JPEG", quality=quality)
    return out.getvalue()
