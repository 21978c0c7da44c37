"""Numbers that say how a training went, to compare with those of an earlier release."""

from pathlib import Path
from typing import Any

import numpy as np

from tests.train.recorded import recorded

# Relative, as processors round float32 differently. Of SSE4.1, AVX2 and AVX-512, the results of
# heads on frozen features differ by at most 1e-4. Those of whole networks differ by up to 2e-2:
# Adam divides by the size of gradients, and so makes the rounding of those near zero large. Another
# order of the batches changes some of these numbers by more than 3e-1.
OF_HEADS, OF_NETWORKS = 2e-3, 5e-2


def summary(curve: list[dict[str, float]], arrays: dict[str, Any]) -> dict[str, list[float]]:
    """The losses of the last epoch, and for each array its norm and its product with a wave, of
    which no change to one weight alone leaves both as they are. Shares of right answers are left
    out: rounding may change one answer, and the losses show every other change."""
    losses = {name: value for name, value in curve[-1].items() if name.endswith("loss")}
    found = {name: [round(float(value), 6)] for name, value in sorted(losses.items())}
    for name, array in sorted(arrays.items()):
        values = np.asarray(array, np.float64).ravel()
        wave = np.cos(np.arange(len(values)) * 0.7)
        numbers = (np.linalg.norm(values), values @ wave)
        found[name] = [float(f"{number:.6g}") for number in numbers]
    return found


def differences(
    found: dict[str, list[float]], table: Path, case: str, tolerance: float
) -> dict[str, Any]:
    """What of `found` differs from the `case` of `table` by more than `tolerance`."""
    before = recorded(table, case)
    return {
        name: (before.get(name), found.get(name))
        for name in before.keys() | found.keys()
        if not near(before.get(name), found.get(name), tolerance)
    }


def near(before: list[float] | None, now: list[float] | None, tolerance: float) -> bool:
    """Whether both are equal up to `tolerance` of the larger number."""
    if before is None or now is None:
        return False
    scale = max(map(abs, [*before, 1e-3]))
    return bool(np.allclose(before, now, rtol=0, atol=tolerance * scale))
