"""Whether an answer is sure: its score reaches a threshold above which answers were right often
enough on samples that were held out of training."""

from collections.abc import Mapping
from typing import Any, NamedTuple

FIELD = "sure_from"  # of package.json


class Sure(NamedTuple):
    """The rule by which a package's answers are sure.

    `least`: an answer with at least this score is sure; None if no threshold makes answers right
    often enough, so that no answer is sure. `other`: the index of the label "none of these", which
    is never sure, because a person has to look at such a sample. `measured`: False for a package
    made before this was measured; its answers are neither sure nor unsure."""

    least: float | None = None
    other: int | None = None
    measured: bool = True

    def decide(self, score: float, label: int) -> bool | None:
        """Whether the answer `label` with `score`, rounded as stored, is sure: `score >= least`.
        None if the package was not measured."""
        if not self.measured:
            return None
        return self.least is not None and label != self.other and score >= self.least

    @property
    def none(self) -> bool | None:
        """The "sure" of an entry that cannot be sure whatever its score."""
        return False if self.measured else None


def sure_of(description: Mapping[str, Any]) -> Sure:
    """The rule of the package that `description` describes."""
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
