"""A picture with boxes drawn on it."""

import io
from collections.abc import Mapping, Sequence
from typing import Any

from .pictures import shown_picture

COLOURS = ("#e6194b", "#3cb44b", "#4363d8", "#f58231", "#911eb4", "#008080", "#9a6324", "#800000")
QUALITY = 90


def drawn(picture: bytes, boxes: Sequence[Mapping[str, Any]]) -> bytes:
    """`picture`, upright, with `boxes` ({"label", "score", "sure", "box": pixels}), as a JPEG.

    Each label has its own colour. The box with the highest score is drawn last; boxes that are not
    sure are dashed. Raises BadSample if `picture` cannot be decoded."""
    from PIL import Image, ImageDraw

    image = Image.fromarray(shown_picture(picture))
    pen = ImageDraw.Draw(image)
    line = max(2, round(max(image.size) / 400))
    font = _font(max(10, 5 * line))
    colours = {label: COLOURS[k % len(COLOURS)] for k, label in enumerate(_labels(boxes))}
    for box in reversed(boxes):
        _draw(pen, box, colours[box["label"]], line, font)
    out = io.BytesIO()
    image.save(out, "JPEG", quality=QUALITY)
    return out.getvalue()


def _font(size: int) -> Any:
    """Pillow's built-in font. Before Pillow 10.1, or without FreeType, it has one size and Latin
    letters only."""
    from PIL import ImageFont

    try:
        return ImageFont.load_default(size)
    except (TypeError, ImportError, OSError):
        return ImageFont.load_default()


def _drawable(text: str, font: Any) -> str:
    """`text` with a question mark for each letter that `font` lacks."""
    return text if hasattr(font, "path") else text.encode("latin-1", "replace").decode("latin-1")


def _labels(boxes: Sequence[Mapping[str, Any]]) -> list[str]:
    return sorted({str(box["label"]) for box in boxes})


def _draw(pen: Any, box: Mapping[str, Any], colour: str, line: int, font: Any) -> None:
    left, top, right, bottom = box["box"]
    if box.get("sure") is False:
        _dash(pen, (left, top, right, bottom), colour, line)
    else:
        pen.rectangle((left, top, right, bottom), outline=colour, width=line)
    doubt = "?" if box.get("sure") is False else ""
    caption = _drawable(f"{box['label']} {box['score']:.2f}{doubt}{_detected(box)}", font)
    _, _, width, height = pen.textbbox((0, 0), caption, font=font)
    inside = max(0, min(left + line, pen.im.size[0] - width))
    place = (inside, max(0, top - height - line))
    pen.rectangle(pen.textbbox(place, caption, font=font), fill=colour)
    pen.text(place, caption, fill="white", font=font)


def _detected(box: Mapping[str, Any]) -> str:
    """Of a chain's box, what its detector calls it, if that is something else."""
    detected = box.get("detected")
    if not detected or detected["label"] == box["label"]:
        return ""
    return f" ({detected['label']} {detected['score']:.2f})"


def _dash(pen: Any, edges: tuple[float, float, float, float], colour: str, line: int) -> None:
    """Draw a dashed rectangle; a dash is four times as long as wide, and every corner is drawn."""
    left, top, right, bottom = edges
    for start in _dashes(left, right, 4 * line):
        for y in (top, bottom - line + 1):
            pen.rectangle(_upright(*start, y, y + line - 1, across=True), fill=colour)
    for start in _dashes(top, bottom, 4 * line):
        for x in (left, right - line + 1):
            pen.rectangle(_upright(*start, x, x + line - 1, across=False), fill=colour)


def _dashes(begin: float, end: float, long: int) -> list[tuple[float, float]]:
    """Start and end of each dash between `begin` and `end`. Dashes and gaps have equal lengths near
    `long`; the first and the last piece are dashes."""
    count = max(3, round((end - begin) / long) // 2 * 2 + 1)
    each = (end - begin) / count
    return [(begin + k * each, begin + (k + 1) * each) for k in range(0, count, 2)]


def _upright(
    begin: float, end: float, low: float, high: float, *, across: bool
) -> tuple[float, float, float, float]:
    """The rectangle of a dash that runs `across`, else down."""
    return (begin, low, end, high) if across else (low, begin, high, end)
