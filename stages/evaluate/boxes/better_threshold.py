"""Advises another threshold on a box's score, where F1 is significantly higher in the test."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from stages.artifacts import Measure
from stages.evaluate.formatting import counted, percent
from stages.metrics.boxes import BoxThreshold, Matches, better_threshold


class BetterThreshold(NamedTuple):
    """`there`: the measures at the better threshold; `now`: at the one in use; `gain`: in F1."""

    there: BoxThreshold
    now: BoxThreshold
    gain: Measure

    @property
    def threshold(self) -> float:
        return self.there.threshold

    @property
    def record(self) -> dict[str, Any]:
        """As JSON for metrics.json."""
        return {"threshold": self.threshold, "gain_in_f1": self.gain}

    def advice(self, noun: str, chosen_on: int, within: tuple[float, float] | None) -> str:
        """To use it; `chosen_on`: on how many samples the one in use was chosen, and `within` which
        thresholds they leave it; None for that of a package, which was chosen elsewhere."""
        there, now = self.there, self.now
        low, high = (f"{100 * bound:.1f}" for bound in (self.gain.low, self.gain.high))
        return (
            f"Use a threshold of about {there.threshold:.2f} instead of {now.threshold:.2f} before "
            f"you change the data: in this test {percent(there.recall.value)} of the boxes are "
            f"found instead of {percent(now.recall.value)}, and {percent(there.precision.value)} "
            f"of the predicted ones are right instead of {percent(now.precision.value)} (F1 "
            f"{percent(there.f1.value)} instead of {percent(now.f1.value)}, {low} to {high} points "
            f"more).{_origin(now.threshold, noun, chosen_on, within)} Give it to the "
            f"package as --threshold {there.threshold:.2f}, or in a request as "
            f"?threshold={there.threshold:.2f}, and test it on new {noun}s."
        )


def better_of(
    found: Matches, rows: Sequence[BoxThreshold], threshold: float
) -> BetterThreshold | None:
    """The better threshold for the boxes `found`, whose measures by threshold are `rows`; None if
    there is no significantly better one."""
    better = better_threshold(found, threshold)
    if better is None:
        return None
    return BetterThreshold(_nearest(rows, better[0]), _nearest(rows, threshold), better[1])


def _nearest(rows: Sequence[BoxThreshold], threshold: float) -> BoxThreshold:
    return min(rows, key=lambda row: abs(row.threshold - threshold))


def _origin(
    threshold: float,
    noun: str,
    chosen_on: int,
    within: tuple[float, float] | None,
) -> str:
    if within is None:
        return ""
    return (
        f" {threshold:.2f} was chosen on {counted(chosen_on, noun)}, which could as well have "
        f"given {within[0]:.2f} to {within[1]:.2f}."
    )
