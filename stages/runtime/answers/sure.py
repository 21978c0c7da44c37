"""Whether an answer is sure: its score reaches the one from which answers were right often enough
on samples that the model had not seen."""

from collections.abc import Mapping
from typing import Any, NamedTuple

FIELD = "sure_from"  # of package.json


class Sure(NamedTuple):
    """`least`: the score from which an answer is sure; None if at no score enough answers are
    right, and then none is. `other`: the index of the label that says "none of these", which is
    never sure: that a sample has none of the labels is for a person to see. `measured`: False for a
    package that is older than this, whose answers are neither sure nor not."""

    least: float | None = None
    other: int | None = None
    measured: bool = True

    def says(self, score: float, label: int) -> bool | None:
        """Whether the answer `label` with `score`, rounded as it is kept, is sure. A score that
        equals the least is enough; None if that is not known."""
        if not self.measured:
            return None
        return self.least is not None and label != self.other and score >= self.least

    @property
    def none(self) -> bool | None:
        """What is said of an answer that cannot be sure whatever its score."""
        return False if self.measured else None


def sure_of(description: Mapping[str, Any]) -> Sure:
    """When an answer of the package of `description` is sure."""
    if FIELD not in description:
        return Sure(measured=False)
    rejecting = [step for step in description["after"] if step["step"] == "reject"]
    other = rejecting[0]["args"]["other"] if rejecting else None
    return Sure(description[FIELD], other)


def in_text(sure: bool | None) -> str:
    """`sure` for a line of text: " (not sure)"; nothing if it is not known."""
    return {True: " (sure)", False: " (not sure)", None: ""}[sure]


def in_table(sure: bool | None) -> str:
    """`sure` for a column of its own."""
    return {True: "yes", False: "no", None: ""}[sure]
