"""Answering that a sample has none of the labels."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .declaring import declare
from .rules import number, whole


@declare("outputs|logits", "logits", other=whole(0, 99_999), threshold=number())
def reject(logits: NDArray[Any], other: int, threshold: float) -> NDArray[np.float32]:
    """`logits` [m, labels] with that of the label number `other` lowered by `threshold`.

    So `other` is the answer where its logit exceeds all others' by more than `threshold`, which was
    chosen on samples that were not taught. For all windows of a sample alike: their mean moves as
    each does."""
    moved: NDArray[np.float32] = logits.astype(np.float32)
    moved[..., other] -= np.float32(threshold)
    return moved
