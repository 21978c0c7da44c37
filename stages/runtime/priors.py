"""Decodes the outputs of an SSD detector (Liu et al. 2016, SSD: Single Shot MultiBox Detector,
ECCV) to candidates, in numpy.

A prior is a box of a fixed size at a cell of a feature map. The network predicts the offset of the
true box from it, relative to the prior's sides."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .boxes import STRIDES, Candidates
from .declaring import declare, same_length
from .errors import InfrastructureError
from .rules import SIDE, number, several
from .steps import softmax

PRIOR_VARIANCES = (0.1, 0.1, 0.2, 0.2)  # units of an offset: of the centre, and of the sides
ASPECTS = (1.0, 2.0, 0.5)
FARTHEST = 4.0  # a side is at most e to this power as long as its prior's

Floats = NDArray[np.float32]


def _as_many(args: Mapping[str, Any]) -> None:
    same_length(args, "strides", "shares")


@declare(
    "outputs",
    "candidates",
    joint_check=_as_many,
    size=SIDE,
    strides=STRIDES,
    shares=several(several(number(1e-4, 4), 2, 2), 1, 8),
)
def decode_priors(
    outputs: Sequence[NDArray[Any]],
    size: int,
    strides: Sequence[int],
    shares: Sequence[Sequence[float]],
) -> Candidates:
    """The candidates of one square picture of `size` pixels.

    `outputs`: logits [1, priors, 1 + labels], background first, and offsets [1, priors, 4] of the
    centre (x, y) and of the logarithm of the sides, in units of PRIOR_VARIANCES. `shares`: for each
    of `strides` the smallest and the largest prior as a share of the picture's side. Raises
    InfrastructureError if the outputs have another number of priors."""
    priors = prior_boxes(size, strides, shares)
    logits, offsets = (np.asarray(output[0], np.float32) for output in outputs)
    if logits.shape[0] != len(priors) or offsets.shape != priors.shape:
        raise InfrastructureError(
            f"The network answers {logits.shape} and {offsets.shape} for {len(priors)} priors.",
            "Network and description are not of one model: export it again.",
        )
    return Candidates(decoded(offsets, priors), softmax(logits)[:, 1:])


def prior_boxes(size: int, strides: Sequence[int], shares: Sequence[Sequence[float]]) -> Floats:
    """All priors, [priors, 4], as left, top, right, bottom in shares of the picture's side.

    The order: feature map by feature map, row by row. Every cell has a square, a wide and a high
    box of the same area, and a larger square."""
    found = []
    for stride, (least, most) in zip(strides, shares, strict=True):
        count = -(-size // stride)
        sides = [(least * aspect**0.5, least / aspect**0.5) for aspect in ASPECTS]
        sides.append(((least * most) ** 0.5,) * 2)
        y, x = (np.mgrid[0:count, 0:count].reshape(2, -1, 1) + 0.5) * stride / size
        wide, high = np.array(sides).T / 2
        edges = np.stack([x - wide, y - high, x + wide, y + high], axis=2)
        found.append(edges.reshape(-1, 4))
    return _floats(np.concatenate(found))


def decoded(offsets: Floats, priors: Floats) -> Floats:
    """The boxes, [n, 4], at `offsets` [n, 4] from `priors` [n, 4]."""
    middle, sides = _middles(priors)
    units = np.array(PRIOR_VARIANCES, np.float32)
    moved = middle + offsets[:, :2] * units[:2] * sides
    grown = sides * np.exp(np.clip(offsets[:, 2:] * units[2:], -FARTHEST, FARTHEST)) / 2
    return _floats(np.concatenate([moved - grown, moved + grown], axis=1))


def encoded(boxes: Floats, priors: Floats) -> Floats:
    """The offsets of `boxes` [n, 4] from `priors` [n, 4]: the inverse of `decoded`."""
    (middle, sides), (wanted, lengths) = _middles(priors), _middles(boxes)
    units = np.array(PRIOR_VARIANCES, np.float32)
    away = (wanted - middle) / sides / units[:2]
    grown = np.log(np.maximum(lengths, 1e-6) / sides) / units[2:]
    return _floats(np.concatenate([away, grown], axis=1))


def _middles(boxes: Floats) -> tuple[Floats, Floats]:
    """The centres and the lengths of the sides of `boxes`, [n, 2] each."""
    return _floats((boxes[:, :2] + boxes[:, 2:]) / 2), _floats(boxes[:, 2:] - boxes[:, :2])


def _floats(values: NDArray[Any]) -> Floats:
    return np.asarray(values, np.float32)
