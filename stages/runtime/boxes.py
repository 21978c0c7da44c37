"""From a detector's outputs to boxes on the picture, in numpy: decode, suppress, scale.

The points of a detector are the centres of square cells of `stride` pixels, all strides one after
the other, each row by row (FCOS: Tian, Shen, Chen, He 2019, ICCV; distances as the expectation over
bins: Li et al. 2020, Generalized Focal Loss, NeurIPS)."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .declaring import declare
from .errors import InfrastructureError
from .rules import SIZE, choice, number, several, whole
from .steps import letterbox, softmax

STRIDES = several(whole(1, 1024), 1, 8)
BEST = 1000  # candidates that suppression considers, of all points and labels

Floats = NDArray[np.float32]


class Candidates(NamedTuple):
    """`boxes` [points, 4]: left, top, right, bottom as shares of width and height. `scores`
    [points, labels]: 0 to 1, each label by itself."""

    boxes: Floats
    scores: Floats


@declare("outputs", "candidates", size=SIZE, strides=STRIDES, bins=whole(1, 64))
def decode_boxes(
    outputs: Sequence[NDArray[Any]],
    size: int | Sequence[int],
    strides: Sequence[int],
    bins: int = 1,
) -> Candidates:
    """The candidates of one picture of `size` (a side, or height and width) pixels.

    `outputs`: logits [1, points, labels] and distances [1, points, 4 * bins] from each point to the
    left, top, right, bottom edge in strides; with several `bins`, logits of 0, 1, ... strides.
    Raises InfrastructureError if they have another number of points than `size` and `strides`."""
    height, width = (size, size) if isinstance(size, int) else size
    x, y, cell = _points(height, width, strides)
    logits, distances = (np.asarray(output[0], np.float32) for output in outputs)
    if logits.shape[0] != len(x) or distances.shape != (len(x), 4 * bins):
        raise InfrastructureError(
            f"The network answers {logits.shape} and {distances.shape} for {len(x)} points.",
            "Network and description are not of one model: export it again.",
        )
    away = _expected(distances.reshape(len(x), 4, bins)) * cell[:, None]
    edges = [x - away[:, 0], y - away[:, 1], x + away[:, 2], y + away[:, 3]]
    shares = np.stack(edges, axis=1) / np.array([width, height, width, height], np.float32)
    return Candidates(shares.astype(np.float32), _sigmoid(logits))


@declare("outputs", "candidates", size=SIZE, fit=choice("stretch", "letterbox"))
def decode_corners(
    outputs: Sequence[NDArray[Any]],
    size: int | Sequence[int],
    facts: dict[str, Any],
    fit: str = "stretch",
) -> Candidates:
    """The candidates of a network that places its boxes itself, on a picture that was resized to
    `size` pixels (a side, or height and width) by `fit`.

    `outputs`: scores [1, rows, labels] of 0 to 1, and boxes [1, rows, 4]: left, top, right, bottom
    in pixels of the resized picture. `facts`: `width` and `height` of the picture before that.
    Raises InfrastructureError if the outputs have other shapes."""
    height, width = (size, size) if isinstance(size, int) else size
    scores, corners = (np.asarray(output[0], np.float32) for output in outputs)
    if scores.ndim != 2 or corners.shape != (len(scores), 4):
        raise InfrastructureError(
            f"The network answers {scores.shape} and {corners.shape} for scores and boxes.",
            "Network and description are not of one model: export it again.",
        )
    top, left, inner_height, inner_width = 0, 0, height, width
    if fit == "letterbox":
        inside = letterbox(facts["height"], facts["width"], height, width)
        top, left, inner_height, inner_width = inside
    start = np.array([left, top] * 2, np.float32)
    shares = (corners - start) / np.array([inner_width, inner_height] * 2, np.float32)
    return Candidates(shares.astype(np.float32), scores)


@declare(
    "candidates",
    "boxes in shares",
    overlap=number(0, 1),
    least=number(0, 1),
    most=whole(1, BEST),
)
def suppress(
    candidates: Candidates,
    overlap: float,
    least: float,
    most: int,
    facts: dict[str, Any] | None = None,
) -> Floats:
    """Non-maximum suppression by label: removes every box that overlaps with a better one of its
    label by more than `overlap` (intersection over union).

    Returns [k, 6]: left, top, right, bottom, score, label's index, sorted by falling score, at most
    `most` rows. Considers only scores of at least `least`, and of these the best 1,000. Equal
    scores are ordered by point, then by label, so that every machine gives the same order. Writes
    the number of labels to `facts["scored"]`."""
    if facts is not None:
        facts["scored"] = candidates.scores.shape[1]
    rows = _best(candidates, least)
    alive = np.ones(len(rows), bool)
    selected: list[int] = []
    for index in range(len(rows)):
        if not alive[index]:
            continue
        selected.append(index)
        if len(selected) == most:
            break
        lower = rows[index + 1 :]
        same = lower[:, 5] == rows[index, 5]
        alive[index + 1 :] &= ~(same & (overlaps(rows[index], lower) > overlap))
    return rows[selected]


@declare("boxes in shares", "boxes")
def to_pixels(boxes: Floats, facts: dict[str, Any]) -> Floats:
    """`boxes` (as from `suppress`) in pixels of the upright picture, whose width and height are in
    `facts`. Boxes are clipped at its edges; those wholly outside are left out."""
    scale = np.array([facts["width"], facts["height"]] * 2, np.float32)
    placed = boxes.copy()
    placed[:, :4] = np.clip(boxes[:, :4] * scale, 0, scale)
    inside = (placed[:, 0] < placed[:, 2]) & (placed[:, 1] < placed[:, 3])
    return placed[inside]


def _points(height: int, width: int, strides: Sequence[int]) -> tuple[Floats, Floats, Floats]:
    """Three arrays: x, y and stride of every point, in pixels."""
    found: list[Floats] = []
    for stride in strides:
        rows, columns = -(-height // stride), -(-width // stride)
        y, x = np.mgrid[0:rows, 0:columns].reshape(2, -1)
        found.append(np.stack([(x + 0.5) * stride, (y + 0.5) * stride, np.full(x.shape, stride)]))
    x, y, cell = np.concatenate(found, axis=1).astype(np.float32)
    return x, y, cell


def _expected(distances: Floats) -> Floats:
    """Expected distances in strides: [points, 4, bins] to [points, 4]."""
    bins = distances.shape[2]
    if bins == 1:
        return distances[:, :, 0]
    expected: Floats = softmax(distances) @ np.arange(bins, dtype=np.float32)
    return expected


def _sigmoid(logits: Floats) -> Floats:
    return np.asarray(1 / (1 + np.exp(-np.clip(logits, -60, 60))), np.float32)


def _best(candidates: Candidates, least: float) -> Floats:
    """The best candidates as rows of `suppress`, the best first."""
    whole = np.isfinite(candidates.boxes).all(axis=1, keepdims=True)
    points, labels = np.nonzero((candidates.scores >= least) & whole)
    order = _first(candidates.scores[points, labels])
    points, labels = points[order], labels[order]
    columns = (candidates.boxes[points], candidates.scores[points, labels, None], labels[:, None])
    return np.concatenate(columns, axis=1).astype(np.float32)


def _first(scores: Floats) -> NDArray[np.intp]:
    """The positions of the BEST highest scores, sorted by falling score; a stable sort."""
    places = np.arange(len(scores))
    if len(scores) > BEST:  # sorting all of them would take longer than all the rest
        places = np.flatnonzero(scores >= np.partition(scores, -BEST)[-BEST])
    return places[np.argsort(-scores[places], kind="stable")][:BEST]


def overlaps(box: Floats, boxes: Floats) -> Floats:
    """Intersection over union of `box` with each of `boxes`, [n]; 0 where both are empty."""
    low = np.maximum(box[:2], boxes[:, :2])
    high = np.minimum(box[2:4], boxes[:, 2:4])
    common = np.clip(high - low, 0, None).prod(axis=1)
    areas = (boxes[:, 2:4] - boxes[:, :2]).prod(axis=1)
    union = (box[2:4] - box[:2]).prod() + areas - common
    shares: Floats = common / np.maximum(union, np.finfo(np.float32).tiny)
    return shares
