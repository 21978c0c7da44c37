"""What a detector's self-test compares: the network's candidates at points spread over the picture,
and simulated outputs that give the steps after the network boxes to suppress and to clip."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..boxes import Candidates
from . import differences

POINTS = 16
DIGITS = 5
APART = 29  # points between two simulated objects
SURE, UNSURE = 3.0, -9.0  # logits
PLACES = 8  # of simulated objects, across and down, where the network places its boxes itself
LENGTH, SHIFT = 1 / 4, 1 / 64  # of such a box, and between two rows: shares of width and height
DEEPEST = 1e-6  # scores are clipped this far from 0 and 1, where log-odds are infinite

Floats = NDArray[np.float32]


def spread(candidates: Candidates) -> list[list[float]]:
    """The candidates at POINTS evenly spaced points, a row for each: every label's log-odds, then
    left, top, right, bottom as shares of width and height."""
    places = np.linspace(0, len(candidates.boxes) - 1, POINTS).round().astype(int)
    scores = np.clip(candidates.scores[places].astype(np.float64), DEEPEST, 1 - DEEPEST)
    rows = np.concatenate([np.log(scores / (1 - scores)), candidates.boxes[places]], axis=1)
    return [[round(float(number), DIGITS) for number in row] for row in rows]


def apart(expected: Any, found: Any) -> float:
    """The deviation between two results of `spread`: twice the root mean square of the differences.

    The largest difference would not separate harmless deviations from faults: an int8 detector on
    another engine had single log-odds 9 % off, but 1.7 % on average. With red and blue swapped the
    average was 11 %, with another resize filter 5 %."""
    return 2 * float(np.sqrt(np.mean(np.square(differences(expected, found)))))


def planted(outputs: Sequence[Floats], decode: Mapping[str, Any]) -> tuple[Floats, Floats]:
    """Simulated outputs with the shapes of `outputs`, [1, ...], for the step `decode`: logits and
    distances, or scores and corners where the network places its boxes itself.

    Every APART points there is an object, its label the next in turn. The neighbouring point
    detects the same object with a lower score, and the object's own point gives the following
    label a lower score too."""
    points, labels = outputs[0].shape[1:]
    logits = np.full((1, points, labels), UNSURE, np.float32)
    for number, point in enumerate(range(0, points - 1, APART)):
        surer = SURE - number / 16
        logits[0, point, (number + 1) % labels] = surer - 2
        logits[0, point, number % labels] = surer
        logits[0, point + 1, number % labels] = surer - 1
    if decode["step"] == "decode_corners":
        scores = 1 / (1 + np.exp(-logits.astype(np.float64)))
        return scores.astype(np.float32), _corners(points, decode["args"]["size"])
    numbers = np.arange(outputs[1].size).reshape(outputs[1].shape)
    return logits, (2 + numbers % 5 / 4).astype(np.float32)


def _corners(points: int, size: int | Sequence[int]) -> Floats:
    """Boxes [1, points, 4] in pixels of a picture of `size`. Those of an object's points lie on one
    another; objects lie side by side, the outermost across the picture's edges."""
    height, width = (size, size) if isinstance(size, int) else size
    number, beside = np.divmod(np.arange(points), APART)
    left = (3 * number % PLACES - 0.5) / PLACES + beside * SHIFT
    top = ((5 * number + number // PLACES) % PLACES - 0.5) / PLACES + beside * SHIFT
    shares = np.stack([left, top, left + LENGTH, top + LENGTH], axis=1)
    return (shares * [width, height, width, height])[None].astype(np.float32)
