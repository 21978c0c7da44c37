"""Does a package answer here as it did where it was made? Its golden samples tell."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .errors import Damaged
from .predictor import Predictor

GOLDEN = "golden/expected.json"


def expected(
    predictor: Predictor, samples: Mapping[str, bytes], tolerance: float
) -> dict[str, Any]:
    """What `predictor` gives for golden `samples`, by name, for a package to be tested against."""
    cases = [
        {"file": name, "expected": predictor.kind.golden(predictor, data)}
        for name, data in samples.items()
    ]
    return {"tolerance": tolerance, "cases": cases}


def selftest(folder: Path) -> str:
    """Check every file, answer every golden sample, and say so in one line.

    Raises Damaged if a file was changed or a number is further away than the package allows."""
    with Predictor.open(folder) as predictor:
        golden = json.loads((folder / GOLDEN).read_text("utf-8"))
        furthest = max(_away(predictor, folder, case) for case in golden["cases"])
    if not furthest <= golden["tolerance"]:
        raise Damaged(
            f"Answers are up to {furthest:.4f} away from the golden ones, "
            f"{golden['tolerance']} is allowed.",
            "This machine's engine or decoder computes differently: "
            "install the versions in requirements.txt.",
        )
    return f"Selftest passed: {len(golden['cases'])} samples, furthest number {furthest:.5f} away."


def _away(predictor: Predictor, folder: Path, case: Mapping[str, Any]) -> float:
    found = predictor.kind.golden(predictor, (folder / case["file"]).read_bytes())
    return predictor.kind.furthest(case["expected"], found)
