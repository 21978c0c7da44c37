"""Computes the measures by which a search compares trials."""

import numpy as np
from numpy.typing import NDArray

Logits = NDArray[np.float32]
Truth = NDArray[np.int64]


def measures(logits: Logits, truth: Truth, reject_label: int = -1) -> dict[str, float]:
    """accuracy, balanced_accuracy (mean recall of the labels in `truth`) and log_loss (in nats) of
    `logits` [n, labels]. `truth` [n]: label indices; samples of the label `reject_label` do not
    count."""
    logits, truth = logits[truth != reject_label], truth[truth != reject_label]
    right = logits.argmax(axis=1) == truth
    recalls = [right[truth == label].mean() for label in np.unique(truth)]
    return {
        "accuracy": float(right.mean()),
        "balanced_accuracy": float(np.mean(recalls)),
        "log_loss": log_loss(logits, truth),
    }


def log_loss(logits: Logits, truth: Truth) -> float:
    """The mean of `log_losses`."""
    return float(np.mean(log_losses(logits, truth)))


def log_losses(logits: Logits, truth: Truth) -> NDArray[np.float64]:
    """Minus the natural logarithm of the true label's score, [n], for `logits` [n, labels] and
    label indices `truth` [n]."""
    wide = logits.astype(np.float64)
    wide -= wide.max(axis=1, keepdims=True)
    normal = np.log(np.exp(wide).sum(axis=1))
    losses: NDArray[np.float64] = normal - wide[np.arange(len(truth)), truth]
    return losses


def best_temperature(logits: Logits, truth: Truth, reject_label: int = -1) -> float:
    """The divisor of `logits`, between 0.25 and 4, with the least log loss, without the samples of
    the label `reject_label`.

    Golden-section search; the loss has one minimum. Guo et al., On Calibration of Modern Neural
    Networks, 2017."""
    logits, truth = logits[truth != reject_label], truth[truth != reject_label]
    ratio = (5**0.5 - 1) / 2
    low, high = -np.log(4), np.log(4)
    for _ in range(40):
        left, right = high - ratio * (high - low), low + ratio * (high - low)
        low_loss = log_loss(logits / np.float32(np.exp(left)), truth)
        high_loss = log_loss(logits / np.float32(np.exp(right)), truth)
        low, high = (low, right) if low_loss <= high_loss else (left, high)
    return round(float(np.exp((low + high) / 2)), 4)
