"""int8_mixed: int8, but the layers that hurt most stay in float (mixed precision)."""

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from stages.deploy.compressors import CannotCompress
from stages.deploy.compressors.int8 import Int8, named_nodes
from stages.deploy.compressors.layer_sensitivity import Sensitivity, sensitivities

REMAINING = 0.25  # of the sum of all layers' errors: 6 dB less noise in the outputs
MOST_FLOAT = 0.25  # of the weights: with more, float16 is smaller
BATCH = 8  # samples at once, whose activations are in memory
MEASURED = 16  # samples on which each layer is measured: every layer runs the whole network


class Int8Mixed(Int8):
    """int8 without the layers whose rounding alone changes the outputs most. Errors of layers add
    up nearly, as noise does, so the layers stay in float from the worst on until the others
    together cause REMAINING of all error, or MOST_FLOAT of the weights is in float.

    The ranges of this measurement come from every other calibration sample, the errors from those
    between; nothing is chosen on the test split. Where no few layers cause most of the error, the
    network is that of int8."""

    numeric: ClassVar[str] = "int8_mixed"
    least_agreement: ClassVar[float] = 0.9

    def float_nodes(self, graph: Path, calibration: Sequence[NDArray[np.float32]]) -> list[str]:
        """As in Int8, and the worst layers. Names the nodes of the file `graph` that have none.

        Raises CannotCompress if there are fewer than two samples."""
        samples = np.concatenate(list(calibration))
        if len(samples) < 2:
            raise CannotCompress("Mixed precision needs two samples or more.")
        model = named_nodes(graph)
        behind = set(super().float_nodes(graph, calibration))
        ranges_on, measured_on = _batches(samples[::2]), _batches(samples[1::2][:MEASURED])
        found = sensitivities(model, ranges_on, measured_on)
        return [*behind, *worst_layers([each for each in found if each.name not in behind])]


def worst_layers(found: Sequence[Sensitivity]) -> list[str]:
    """The names of the layers that stay in float, the worst first; see Int8Mixed."""
    error, weights = sum(each.error for each in found), sum(each.weights for each in found)
    remaining, floats, chosen = error, 0, []
    for each in sorted(found, key=lambda item: -item.error):
        if remaining <= REMAINING * error:
            break
        if floats + each.weights > MOST_FLOAT * weights:
            continue
        remaining, floats = remaining - each.error, floats + each.weights
        chosen.append(each.name)
    return chosen


def _batches(samples: NDArray[np.float32]) -> list[NDArray[np.float32]]:
    return [samples[start : start + BATCH] for start in range(0, len(samples), BATCH)]
