"""Compares the recall of small boxes with that of larger ones."""

from dataclasses import dataclass

import numpy as np

from stages.artifacts import Measure
from stages.evaluate.formatting import percent
from stages.metrics import proportion
from stages.metrics.boxes import Matches, area

_FEWEST = 30  # true boxes that are needed for a comparison


@dataclass(frozen=True)
class Small:
    """Recall of the smallest third of the true boxes, below `side` × `side` pixels, and of the
    larger ones."""

    side: float
    small: Measure
    larger: Measure

    def advice(self, noun: str) -> list[str]:
        """What to do, if small boxes are significantly found less often."""
        if self.small.high >= self.larger.low:
            return []
        return [
            f"Small objects are missed: of boxes below about {self.side:.0f} × {self.side:.0f} "
            f"pixels {percent(self.small.value)} are found, of larger ones "
            f"{percent(self.larger.value)}. Take {noun}s from closer up, cut large {noun}s into "
            "tiles, or train at a larger input size (train.input_sizes)."
        ]


def compare_small(found: Matches, threshold: float) -> Small | None:
    """Compare the recall of small and larger boxes at `threshold`; None if there are few boxes or
    all have one size."""
    sizes = area(found.true)
    if len(sizes) < _FEWEST:
        return None
    border = float(np.quantile(sizes, 1 / 3))
    small = sizes <= border
    if small.all():
        return None
    reached = np.zeros(len(sizes), bool)
    rows = found.found[found.score >= threshold - 1e-9]
    reached[rows[rows >= 0]] = True
    recalls = [proportion(int(reached[mine].sum()), int(mine.sum())) for mine in (small, ~small)]
    return Small(float(np.sqrt(border)), *recalls)
