"""The training loss of a detector: quality focal loss for labels, generalised intersection over
union and distribution focal loss for boxes.

Li et al., Generalized Focal Loss, arXiv 2006.04388; Rezatofighi et al., Generalized Intersection
over Union, arXiv 1902.09630."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import paddle
import paddle.nn.functional as F
from numpy.typing import NDArray

from stages.models.detector_assignment import assign, points_of
from stages.models.detector_layers import BINS, STRIDES

NAMES = 1.0  # weight of the loss of labels
PLACE, SIDES = 2.0, 0.5  # weights of the two losses of boxes
LEAST = 1.0  # minimum number of positives to divide by, so that a batch without any counts too


class PointLoss:
    """The loss of a batch of square pictures of `size` pixels, for a network with points at
    `strides` and `bins` for each side: the arguments of the step `decode_boxes`."""

    def __init__(self, size: int, strides: Sequence[int] = STRIDES, bins: int = BINS) -> None:
        self.points = points = points_of(size, tuple(strides))
        self.bins = bins
        self.places = paddle.to_tensor(points.places)
        self.strides = paddle.to_tensor(points.strides[:, None])
        self.steps = paddle.arange(bins, dtype="float32")

    def __call__(self, outputs: Any, truth: Sequence[NDArray[np.float32]]) -> Any:
        """`outputs`: logits [N, P, labels] and sides [N, P, 4 * bins]. `truth`: for each picture
        [n, 5], left, top, right, bottom in pixels and the label's index."""
        logits, sides = outputs
        with paddle.no_grad():
            scores = F.sigmoid(logits).numpy()
            found = self.boxes(sides).numpy()
        wanted = np.zeros(scores.shape, np.float32)
        rows, targets, worths, named = [], [], [], []
        for place, boxes in enumerate(truth):
            labels = boxes[:, 4].astype(np.int64)
            taken = assign(self.points, scores[place], found[place], boxes[:, :4], labels)
            wanted[place, taken.points, labels[taken.boxes]] = taken.worth
            rows.append(place * len(self.points.places) + taken.points)
            targets.append(boxes[taken.boxes, :4])
            worths.append(taken.worth)
            named.append(labels[taken.boxes])
        count = max(float(wanted.sum()), LEAST)
        loss = quality_focal(logits, paddle.to_tensor(wanted)) / count
        taken_rows = np.concatenate(rows)
        if not len(taken_rows):
            return loss
        weight = paddle.to_tensor(np.concatenate(worths))
        named_as = self._naming(logits, taken_rows, np.concatenate(named), weight)
        placed = self._placing(sides, taken_rows, np.concatenate(targets), weight)
        return loss + (named_as + placed) / count

    def boxes(self, sides: Any) -> Any:
        """[N, P, 4 * bins] to boxes in pixels, [N, P, 4]."""
        shares = F.softmax(sides.reshape([*sides.shape[:2], 4, self.bins]), axis=-1)
        return self._boxes((shares * self.steps).sum(-1), self.places, self.strides)

    def _naming(self, logits: Any, rows: Any, labels: Any, weight: Any) -> Any:
        """Cross entropy of the label at positive points: focal losses hardly separate similar
        labels."""
        found = paddle.gather(logits.reshape([-1, logits.shape[-1]]), paddle.to_tensor(rows))
        errors = F.cross_entropy(found, paddle.to_tensor(labels), reduction="none")
        return (NAMES * errors.flatten() * weight).sum()

    def _placing(self, sides: Any, rows: Any, target: Any, weight: Any) -> Any:
        local = rows % len(self.points.places)
        places = paddle.to_tensor(self.points.places[local])
        strides = paddle.to_tensor(self.points.strides[local, None])
        wanted = paddle.to_tensor(target)
        logits = paddle.gather(sides.reshape([-1, 4 * self.bins]), paddle.to_tensor(rows))
        logits = logits.reshape([-1, 4, self.bins])
        found = self._boxes((F.softmax(logits, axis=-1) * self.steps).sum(-1), places, strides)
        distances = (
            paddle.concat([places - wanted[:, :2], wanted[:, 2:] - places], axis=1) / strides
        )
        placed = generalised_overlap(found, wanted)
        spread = distribution_focal(logits, distances.clip(0, self.bins - 1 - 0.01))
        return ((PLACE * (1 - placed) + SIDES * spread) * weight).sum()

    def _boxes(self, distances: Any, places: Any, strides: Any) -> Any:
        reach = distances * strides
        return paddle.concat([places - reach[..., :2], places + reach[..., 2:]], axis=-1)


def quality_focal(logits: Any, wanted: Any) -> Any:
    """The sum of cross entropy times the squared error of the score."""
    error = (wanted - F.sigmoid(logits)) ** 2
    return (error * F.binary_cross_entropy_with_logits(logits, wanted, reduction="none")).sum()


def distribution_focal(logits: Any, distances: Any) -> Any:
    """[k, 4, bins], [k, 4] to the mean over sides, [k]: the two bins around a distance share it."""
    low = distances.floor()
    share = distances - low
    log_probabilities = F.log_softmax(logits, axis=-1)
    bins = logits.shape[-1]
    lower = F.one_hot(low.astype("int64"), bins) * (1 - share).unsqueeze(-1)
    right = F.one_hot(low.astype("int64") + 1, bins) * share.unsqueeze(-1)
    return -((lower + right) * log_probabilities).sum(-1).mean(-1)


def generalised_overlap(first: Any, second: Any) -> Any:
    """Generalised intersection over union, -1..1, of boxes [k, 4] pair by pair."""
    both = _area(
        paddle.maximum(first[:, :2], second[:, :2]), paddle.minimum(first[:, 2:], second[:, 2:])
    )
    around = _area(
        paddle.minimum(first[:, :2], second[:, :2]), paddle.maximum(first[:, 2:], second[:, 2:])
    )
    union = _area(first[:, :2], first[:, 2:]) + _area(second[:, :2], second[:, 2:]) - both
    return both / (union + 1e-7) - (around - union) / (around + 1e-7)


def _area(low: Any, high: Any) -> Any:
    return (high - low).clip(0).prod(-1)
