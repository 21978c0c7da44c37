"""A picture with boxes drawn on it."""

import io
from collections.abc import Mapping, Sequence
from typing import Any

from .pictures import decode_picture

COLOURS = ("#e6194b", "#3cb44b", "#4363d8", "#f58231", "#911eb4", "#008080", "#9a6324", "#800000")
QUALITY = 90


def drawn(picture: bytes, boxes: Sequence[Mapping[str, Any]]) -> bytes:
    """`picture`, upright, with `boxes` ({"label", "score", "box": pixels}), as a JPEG.

    Each label has its colour; the surest box lies on top. Raises BadSample if `picture` is none."""
    from PIL import Image, ImageDraw

    image = Image.fromarray(decode_picture(picture))
    pen = ImageDraw.Draw(image)
    line = max(2, round(max(image.size) / 400))
    font = _font(max(10, 5 * line))
    colours = {label: COLOURS[k % len(COLOURS)] for k, label in enumerate(_labels(boxes))}
    for one in reversed(boxes):
        _draw(pen, one, colours[one["label"]], line, font)
    out = io.BytesIO()
    image.save(out, "JPEG", quality=QUALITY)
    return out.getvalue()


def _font(size: int) -> Any:
    """Pillow's own; before 10.1, or without FreeType, it has one size, and Latin letters only."""
    from PIL import ImageFont

    try:
        return ImageFont.load_default(size)
    except (TypeError, ImportError, OSError):
        return ImageFont.load_default()


def _drawable(text: str, font: Any) -> str:
    """`text` with a question mark for each letter that a `font` of one size lacks."""
    return text if hasattr(font, "path") else text.encode("latin-1", "replace").decode("latin-1")


def _labels(boxes: Sequence[Mapping[str, Any]]) -> list[str]:
    return sorted({str(one["label"]) for one in boxes})


def _draw(pen: Any, one: Mapping[str, Any], colour: str, line: int, font: Any) -> None:
    left, top, right, bottom = one["box"]
    pen.rectangle((left, top, right, bottom), outline=colour, width=line)
    said = _drawable(f"{one['label']} {one['score']:.2f}", font)
    _, _, width, height = pen.textbbox((0, 0), said, font=font)
    inside = max(0, min(left + line, pen.im.size[0] - width))
    place = (inside, max(0, top - height - line))
    pen.rectangle(pen.textbbox(place, said, font=font), fill=colour)
    pen.text(place, said, fill="white", font=font)
