"""Does a package answer here as it did where it was made? Its golden samples tell."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .errors import Damaged
from .foreign import REMEDY
from .predictor import Predictor
from .rules import ANYTHING, BELOW, check_fields, number, parsed, several
from .sealed import read

GOLDEN = "golden/expected.json"
FIELDS = {"tolerance": number(0, 1), "cases": several(ANYTHING, 1, 10_000)}
CASE = {"file": BELOW, "expected": ANYTHING}


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
        golden = _golden(folder)
        furthest = max(_away(predictor, folder, case) for case in golden["cases"])
    if not furthest <= golden["tolerance"]:
        raise Damaged(
            f"Answers are up to {furthest:.4f} away from the golden ones, "
            f"{golden['tolerance']} is allowed.",
            "This machine's engine or decoder computes differently: "
            "install the versions in requirements.txt.",
        )
    return f"Selftest passed: {len(golden['cases'])} samples, furthest number {furthest:.5f} away."


def _golden(folder: Path) -> Any:
    """What golden/expected.json says. Raises Damaged if it is not what `expected` makes."""
    golden = parsed(read(folder, GOLDEN), GOLDEN)
    check_fields(golden, FIELDS, {}, GOLDEN)
    for place, case in enumerate(golden["cases"], 1):
        check_fields(case, CASE, {}, f"{GOLDEN}, case {place}")
    return golden


def _away(predictor: Predictor, folder: Path, case: Mapping[str, Any]) -> float:
    found = predictor.kind.golden(predictor, read(folder, case["file"]))
    try:
        return predictor.kind.furthest(case["expected"], found)
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise Damaged(
            f"{GOLDEN}: what is expected of {case['file']} is no answer of this package.", REMEDY
        ) from error
