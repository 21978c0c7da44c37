"""Draws boxes on a picture, with a colour for each label: in its pixels, or over it on a page."""

import colorsys
from collections.abc import Sequence
from hashlib import sha256
from html import escape

import numpy as np
from numpy.typing import NDArray

from stages.artifacts import Box

MOST_NAMES = 12  # with more boxes on a picture, labels are not written
LETTER = 11  # height of a label on a page, in pixels


def colour_of(label: str) -> tuple[int, int, int]:
    """The colour of `label`, the same on every picture: bright, with a hue by digest."""
    hue = int.from_bytes(sha256(label.encode()).digest()[:4]) / 2**32
    red, green, blue = (round(255 * part) for part in colorsys.hls_to_rgb(hue, 0.55, 0.95))
    return red, green, blue


def palette(labels: Sequence[str]) -> str:
    """CSS that gives each of `labels` a colour on its page, as different as possible."""
    hues = [round(360 * place / max(1, len(labels))) for place in range(len(labels))]
    colours = [
        f"{_variable(label)}:hsl({hue} 95% {(45, 60)[place % 2]}%)"
        for place, (label, hue) in enumerate(zip(labels, hues, strict=True))
    ]
    return f":root{{{';'.join(colours)}}}"


def _variable(label: str) -> str:
    """The CSS variable for the colour of `label`."""
    return f"--box-{sha256(label.encode()).hexdigest()[:12]}"


def with_boxes(picture: NDArray[np.uint8], boxes: Sequence[Box], side: int) -> NDArray[np.uint8]:
    """`picture`, uint8 [H, W, 3], with its `boxes` drawn, in lines that are wide enough if it is
    then reduced to a longer side of `side` pixels."""
    from PIL import Image, ImageDraw

    image = Image.fromarray(picture)
    draw = ImageDraw.Draw(image)
    width = max(1, round(2 * max(picture.shape[:2]) / side))
    for box in boxes:
        corners = [box.left, box.top, max(box.left, box.right - 1), max(box.top, box.bottom - 1)]
        draw.rectangle(corners, outline=colour_of(box.label), width=width)
    return np.asarray(image)


def overlaid(image: str, width: int, height: int, side: int, boxes: Sequence[Box]) -> str:
    """HTML of `image`, the data: URL of a picture of that size, with `boxes` and their labels over
    it; its longer side has `side` pixels."""
    scale = max(width, height) / side
    marks = [_mark(box, scale, len(boxes) <= MOST_NAMES) for box in boxes]
    return (
        f'<svg viewBox="0 0 {width} {height}" width="{width / scale:.0f}" '
        f'height="{height / scale:.0f}"><image href="{image}" width="{width}" height="{height}"/>'
        f"{''.join(marks)}</svg>"
    )


def _mark(box: Box, scale: float, named: bool) -> str:
    colour = f"var({_variable(box.label)}, rgb{colour_of(box.label)})"
    frame = (
        f'<rect x="{box.left:.1f}" y="{box.top:.1f}" width="{box.right - box.left:.1f}" '
        f'height="{box.bottom - box.top:.1f}" fill="none" style="stroke:{colour}" '
        f'stroke-width="{1.5 * scale:.2f}"/>'
    )
    letter = LETTER * scale
    if not named or box.bottom - box.top < 2 * letter:
        return frame
    return frame + (
        f'<text translate="no" x="{box.left + letter / 4:.1f}" y="{box.top + letter:.1f}" '
        f'font-size="{letter:.1f}" fill="#fff" stroke="#000" stroke-width="{letter / 4:.1f}" '
        f'paint-order="stroke">{escape(box.label)}</text>'
    )
