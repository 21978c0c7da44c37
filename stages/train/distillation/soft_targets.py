"""The teacher's answers as targets, and the loss of a student that is trained to match them.

Hinton, Vinyals and Dean, Distilling the Knowledge in a Neural Network, arXiv 1503.02531."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import paddle.nn.functional as F
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Indices = NDArray[np.int64]
LEAST_PROBABILITY = 1e-12  # below which a probability has no logarithm


@dataclass(frozen=True)
class SoftTargets:
    """`logits`: the teacher's, for each row of the student's feature maps, [rows, labels]; rows
    behind those of the training samples are of unlabelled ones. `temperature`: the divisor of both
    networks' logits; `weight`: the share of the soft targets in the loss."""

    logits: Floats
    temperature: float
    weight: float

    def probabilities(self, rows: Indices) -> Floats:
        """The teacher's scores of `rows` [n] at the temperature: [n, labels]."""
        logits = self.logits[rows].astype(np.float64) / self.temperature
        exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
        scores: Floats = (exponentials / exponentials.sum(axis=1, keepdims=True)).astype(np.float32)
        return scores

    def loss(self, logits: Any, probabilities: Any, hard_loss: Any) -> Any:
        """The training loss of a student with `logits` [n, labels], Paddle tensors all:
        `hard_loss`, that of the labels, and the divergence from the teacher's `probabilities`
        [n, labels], by their weights. The divergence is multiplied by the squared temperature, so
        that its gradient is as large as that of the labels at any temperature."""
        soft_loss = divergence(probabilities, logits / self.temperature) * self.temperature**2
        return (1 - self.weight) * hard_loss + self.weight * soft_loss


def divergence(probabilities: Any, logits: Any) -> Any:
    """The Kullback-Leibler divergence of the softmax of `logits` [n, labels] from `probabilities`
    [n, labels], in nats, in the mean over the samples; Paddle tensors."""
    entropies = probabilities * probabilities.clip(min=LEAST_PROBABILITY).log()
    differences = entropies - probabilities * F.log_softmax(logits, axis=-1)
    return differences.sum(axis=-1).mean()
