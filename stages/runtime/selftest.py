"""Does a package answer here as it did where it was made? Its golden pictures tell."""

import json
from pathlib import Path

import numpy as np

from .errors import Damaged
from .predictor import Predictor

GOLDEN = "golden/expected.json"


def selftest(folder: Path) -> str:
    """Check every file, answer every golden picture, and say so in one line.

    Raises Damaged if a file was changed or a score is further away than the package allows."""
    with Predictor.open(folder) as predictor:
        expected = json.loads((folder / GOLDEN).read_text("utf-8"))
        pictures = [(folder / case["file"]).read_bytes() for case in expected["cases"]]
        wanted = np.array([case["scores"] for case in expected["cases"]], np.float32)
        furthest = float(np.abs(predictor.scores(pictures) - wanted).max())
    if not furthest <= expected["tolerance"]:
        raise Damaged(
            f"Scores are up to {furthest:.4f} away from the golden ones, "
            f"{expected['tolerance']} is allowed.",
            "This machine's engine or Pillow computes differently: "
            "install the versions in requirements.txt.",
        )
    return f"Selftest passed: {len(pictures)} pictures, furthest score {furthest:.5f} away."
