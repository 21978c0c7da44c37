"""Pictures of mistakes: the relevant part of the photo with its true and predicted boxes."""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from stages.evaluate.boxes.mistakes import Edges, Mistake
from stages.evaluate.predictions import Predicted
from stages.media.pictures import small_jpeg
from stages.pages import inline
from stages.runtime.pictures import shown_picture

SIDE = 320  # of a picture on the page, in pixels; it is shown smaller, and can be enlarged
AROUND = 3.0  # the side of a view, in sides of the boxes that it is about
LEAST = 96.0  # the least side of a view, in pixels of the photo
WHOLE = 0.7  # a view that would cover this share of the photo's side shows the whole photo
MOST = 40  # boxes drawn beside those of the mistake


class Drawn(NamedTuple):
    """A box in shares of the view, 0 to 1 within it; `strong` if the mistake is about it."""

    left: float
    top: float
    width: float
    height: float
    predicted: bool
    strong: bool


class MistakeView(NamedTuple):
    """A JPEG as a data: address, `width` by `height` pixels, and the boxes to draw on it."""

    mistake: Mistake
    picture: str
    width: int
    height: int
    boxes: list[Drawn]


def views(
    mistakes: Sequence[Mistake],
    predicted: Predicted,
    threshold: float,
    fetch: Callable[[int], bytes],
) -> list[MistakeView]:
    """The views of `mistakes`; `fetch` gives a sample's bytes by its row."""
    photo = lru_cache(maxsize=4)(lambda row: shown_picture(fetch(row)))
    return [_view(mistake, predicted, threshold, photo(mistake.row)) for mistake in mistakes]


def _view(
    mistake: Mistake, predicted: Predicted, threshold: float, photo: NDArray[np.uint8]
) -> MistakeView:
    left, top, right, bottom = window(mistake, photo.shape[1], photo.shape[0])
    part = np.ascontiguousarray(photo[top:bottom, left:right])
    scale = min(1.0, SIDE / max(part.shape[:2]))
    height, width = (max(1, round(side * scale)) for side in part.shape[:2])
    shown_rows = [row for row in predicted.answers[mistake.row] if row[4] >= threshold - 1e-9]
    boxes = [
        *_drawn(predicted.truth[mistake.row], False, mistake.true_box, (left, top, right, bottom)),
        *_drawn(shown_rows, True, mistake.box, (left, top, right, bottom)),
    ]
    return MistakeView(mistake, inline(small_jpeg(part, SIDE)), width, height, boxes)


def window(mistake: Mistake, width: int, height: int) -> tuple[int, int, int, int]:
    """The part of a photo of `width` by `height` to show: left, top, right, bottom, in whole
    pixels."""
    edges = np.array([box for box in (mistake.true_box, mistake.box) if box])
    low, high = edges[:, :2].min(axis=0), edges[:, 2:].max(axis=0)
    side = max(AROUND * float((high - low).max()), LEAST)
    if side >= WHOLE * max(width, height):
        return 0, 0, width, height
    (left, right), (top, bottom) = (
        _span(float(low[k] + high[k]) / 2, side, length) for k, length in enumerate((width, height))
    )
    return left, top, right, bottom


def _span(middle: float, side: float, length: int) -> tuple[int, int]:
    """`side` pixels around `middle`, moved so that they are within 0 to `length`."""
    start = max(0, min(round(middle - side / 2), length - round(side)))
    return start, min(length, start + round(side))


def _drawn(
    rows: Sequence[Any], predicted: bool, strong: Edges, window: tuple[int, int, int, int]
) -> list[Drawn]:
    """The boxes of `rows` that can be seen in `window`, `strong` last and so on top."""
    left, top, right, bottom = window
    visible = [
        tuple(float(edge) for edge in row[:4])
        for row in rows
        if row[0] < right and row[2] > left and row[1] < bottom and row[3] > top
    ]
    surrounding = [edges for edges in visible if _rounded(edges) != strong][:MOST]
    drawn = [*surrounding, *([strong] if strong else [])]
    return [
        Drawn(
            (edges[0] - left) / (right - left),
            (edges[1] - top) / (bottom - top),
            (edges[2] - edges[0]) / (right - left),
            (edges[3] - edges[1]) / (bottom - top),
            predicted,
            edges == strong,
        )
        for edges in drawn
    ]


def _rounded(edges: Edges) -> Edges:
    return tuple(round(edge, 2) for edge in edges)
