"""Which of a model's labels says that a sample has none of the others."""

from collections.abc import Mapping, Sequence
from typing import Any

STEP = "reject"


def rejected_label(after: Sequence[Mapping[str, Any]], labels: Sequence[str]) -> str:
    """The label that the steps `after` a network reject with; empty if they reject nothing."""
    found = [step["args"]["other"] for step in after if step["step"] == STEP]
    return labels[found[0]] if found else ""
