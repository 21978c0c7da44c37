"""What a detector's self-test looks at: points spread over the picture, and made-up outputs for the
steps behind the network, with which they have something to suppress and to cut."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..boxes import Candidates
from . import differences

POINTS = 16
DIGITS = 5
APART = 29  # points between two made-up things
SURE, UNSURE = 3.0, -9.0  # logits
DEEPEST = 1e-6  # a score that close to 0 or 1 is told by no log-odds

Floats = NDArray[np.float32]


def spread(candidates: Candidates) -> list[list[float]]:
    """At points from the first to the last: each label's log-odds, and the box in shares."""
    places = np.linspace(0, len(candidates.boxes) - 1, POINTS).round().astype(int)
    scores = np.clip(candidates.scores[places].astype(np.float64), DEEPEST, 1 - DEEPEST)
    rows = np.concatenate([np.log(scores / (1 - scores)), candidates.boxes[places]], axis=1)
    return [[round(float(number), DIGITS) for number in row] for row in rows]


def apart(expected: Any, found: Any) -> float:
    """How far two results of `spread` are apart: twice the root mean square of their differences.

    Not the largest: of an int8 detector on another engine single log-odds were 9 % off, 1.7 % on
    average; with red and blue swapped it was 11 % on average, with another filter 5 %."""
    return 2 * float(np.sqrt(np.mean(np.square(differences(expected, found)))))


def planted(outputs: Sequence[Floats]) -> tuple[Floats, Floats]:
    """Logits and distances of the shapes of `outputs`, [1, ...]: every so often a thing, which the
    point beside it sees as well, less surely, and which might be of the next label; label after
    label."""
    points, labels = outputs[0].shape[1:]
    logits = np.full((1, points, labels), UNSURE, np.float32)
    for number, point in enumerate(range(0, points - 1, APART)):
        surer = SURE - number / 16
        logits[0, point, (number + 1) % labels] = surer - 2
        logits[0, point, number % labels] = surer
        logits[0, point + 1, number % labels] = surer - 1
    numbers = np.arange(outputs[1].size).reshape(outputs[1].shape)
    return logits, (2 + numbers % 5 / 4).astype(np.float32)
