"""Rejects samples that have none of the labels."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .declaring import declare
from .rules import number, whole


@declare("outputs|logits", "logits", other=whole(0, 99_999), threshold=number())
def reject(logits: NDArray[Any], other: int, threshold: float) -> NDArray[np.float32]:
    """`logits` [m, labels] with the logit of the label with index `other` lowered by `threshold`.

    The answer is then `other` where its logit exceeds all others by more than `threshold`, which
    was chosen on samples held out of training. All windows of a sample are shifted alike, so their
    mean is shifted by the same amount."""
    moved: NDArray[np.float32] = logits.astype(np.float32)
    moved[..., other] -= np.float32(threshold)
    return moved
