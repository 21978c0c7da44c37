"""The training loss of a detector with prior boxes: that of SSD (Liu et al., arXiv 1512.02325).

A prior that overlaps with a box by half is matched to it, and so is the best prior of each box. Of
the others only the hardest negatives, three times as many, are trained as background."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import paddle
import paddle.nn.functional as F
from numpy.typing import NDArray

from stages.models.detector_assignment import overlap
from stages.runtime.priors import encoded, prior_boxes

LEAST_OVERLAP = 0.5  # minimum overlap of a prior with its box
HARD = 3  # negatives for each positive

Floats = NDArray[np.float32]


class PriorLoss:
    """The loss of a batch of square pictures of `size` pixels, for a network with priors at
    `strides` of the sizes `shares`: the arguments of the step `decode_priors`."""

    def __init__(
        self, size: int, strides: Sequence[int], shares: Sequence[Sequence[float]]
    ) -> None:
        self.size = np.float32(size)
        self.priors = prior_boxes(size, strides, shares)

    def __call__(self, outputs: Any, truth: Sequence[Floats]) -> Any:
        """`outputs`: logits [N, P, 1 + labels] and offsets [N, P, 4]. `truth`: for each picture [n,
        5], left, top, right, bottom in pixels and the label's index."""
        logits, offsets = outputs
        matched = [match(self.priors, boxes[:, :4] / self.size) for boxes in truth]
        labels = np.stack(
            [_labels(matches, boxes) for matches, boxes in zip(matched, truth, strict=True)]
        )
        errors = F.cross_entropy(logits, paddle.to_tensor(labels)[..., None], reduction="none")
        errors = errors[..., 0]
        counted = (labels > 0) | hardest(errors.numpy(), labels)
        count = max(1, int((labels > 0).sum()))
        loss = (errors * paddle.to_tensor(counted.astype(np.float32))).sum() / count
        pictures, places = np.nonzero(labels > 0)
        if not len(pictures):
            return loss
        return loss + self._placing(offsets, pictures, places, matched, truth) / count

    def _placing(
        self,
        offsets: Any,
        pictures: NDArray[np.int64],
        places: NDArray[np.int64],
        matched: Sequence[NDArray[np.int64]],
        truth: Sequence[Floats],
    ) -> Any:
        owners = [truth[k][matched[k][p], :4] for k, p in zip(pictures, places, strict=True)]
        share = np.stack(owners).astype(np.float32) / self.size
        wanted = encoded(share, self.priors[places])
        found = paddle.gather_nd(offsets, paddle.to_tensor(np.stack([pictures, places], axis=1)))
        return F.smooth_l1_loss(found, paddle.to_tensor(wanted), reduction="sum")


def match(priors: Floats, boxes: Floats) -> NDArray[np.int64]:
    """For each prior the box that it is matched to, or -1."""
    if not len(boxes):
        return np.full(len(priors), -1, np.int64)
    shared = overlap(boxes, priors)
    owner = shared.argmax(axis=0)
    owner = np.where(shared.max(axis=0) >= LEAST_OVERLAP, owner, -1)
    owner[shared.argmax(axis=1)] = np.arange(len(boxes))
    return owner.astype(np.int64)


def hardest(errors: Floats, labels: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Of each picture's priors without a box, HARD times as many as those with one (of a picture
    without boxes: HARD) that have the largest error; [N, P]."""
    negative = np.where(labels > 0, -np.inf, errors)
    order = np.argsort(np.argsort(-negative, axis=1, kind="stable"), axis=1)
    wanted = HARD * np.maximum(1, (labels > 0).sum(axis=1, keepdims=True))
    return np.asarray((order < wanted) & (labels == 0))


def _labels(owner: NDArray[np.int64], boxes: Floats) -> NDArray[np.int64]:
    """The class of each prior: 0 is background, label k is k + 1."""
    named = np.concatenate([boxes[:, 4].astype(np.int64) + 1, [0]])
    return named[owner]
