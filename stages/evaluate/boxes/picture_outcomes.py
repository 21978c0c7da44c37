"""What came of each picture with boxes, and the same boxes in terms of further labels."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from stages.evaluate.outcomes import SampleOutcome
from stages.evaluate.predictions import Predicted
from stages.metrics.boxes import Matches

SCORE_ROUNDING = 1e-9  # a score that was written as the threshold reaches it


def picture_outcomes(predicted: Predicted, found: Matches, threshold: float) -> list[SampleOutcome]:
    """A picture is right if every true box is found by a box with a score of at least `threshold`,
    and no such box finds nothing. `found`: the boxes of `predicted`, matched."""
    shown = found.score >= threshold - SCORE_ROUNDING
    hits = np.bincount(found.image[shown & (found.found >= 0)], minlength=found.images)
    alarms = np.bincount(found.image[shown & (found.found < 0)], minlength=found.images)
    true = np.bincount(found.true_image, minlength=found.images)
    right = (hits == true) & (alarms == 0)
    return [
        SampleOutcome(
            bool(right[row]),
            _counted(boxes, predicted.labels),
            _counted(
                (box for box in answer if box[4] >= threshold - SCORE_ROUNDING), predicted.labels
            ),
        )
        for row, (boxes, answer) in enumerate(zip(predicted.truth, predicted.answers, strict=True))
    ]


def with_labels(predicted: Predicted, labels: Sequence[str]) -> Predicted:
    """`predicted` in terms of `labels`, which include all of its own."""
    places = [labels.index(label) for label in predicted.labels]
    truth, answers = (
        [[[*box[:-1], places[int(box[-1])]] for box in boxes] for boxes in side]
        for side in (predicted.truth, predicted.answers)
    )
    return replace(predicted, labels=tuple(labels), truth=truth, answers=answers)


def _counted(boxes: Iterable[Sequence[float]], labels: Sequence[str]) -> str:
    """The labels of `boxes` with their numbers, as 'cat 2, dog 1'; '' without boxes."""
    counts = Counter(labels[int(box[-1])] for box in boxes)
    return ", ".join(f"{label} {count}" for label, count in sorted(counts.items()))
