"""Numbers that say how a training went, to compare with those of an earlier release."""

import json
from pathlib import Path
from typing import Any

import numpy as np

TOLERANCE = 2e-3  # relative: processors round float32 differently


def summary(curve: list[dict[str, float]], arrays: dict[str, Any]) -> dict[str, list[float]]:
    """The measures of the last epoch, and for each array its norm and its product with a wave, of
    which no change to one weight alone leaves both as they are."""
    found = {name: [round(float(value), 6)] for name, value in sorted(curve[-1].items())}
    for name, array in sorted(arrays.items()):
        values = np.asarray(array, np.float64).ravel()
        wave = np.cos(np.arange(len(values)) * 0.7)
        numbers = (np.linalg.norm(values), values @ wave)
        found[name] = [float(f"{number:.6g}") for number in numbers]
    return found


def differences(found: dict[str, list[float]], table: Path, case: str) -> dict[str, Any]:
    """What of `found` differs from the `case` of `table` by more than TOLERANCE."""
    before = json.loads(table.read_text())[case]
    return {
        name: (before.get(name), found.get(name))
        for name in before.keys() | found.keys()
        if not near(before.get(name), found.get(name))
    }


def near(before: list[float] | None, now: list[float] | None) -> bool:
    """Whether both are equal up to TOLERANCE of the larger number."""
    if before is None or now is None:
        return False
    scale = max(map(abs, [*before, 1e-3]))
    return bool(np.allclose(before, now, rtol=0, atol=TOLERANCE * scale))


def write(table: Path, cases: dict[str, dict[str, list[float]]]) -> None:
    """Write the table of all `cases`."""
    lines = (f"{json.dumps(name)}: {json.dumps(found)}" for name, found in cases.items())
    table.write_text("{\n" + ",\n".join(lines) + "\n}\n")
