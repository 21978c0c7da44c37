"""Describes the recommended threshold on a box's score."""

from collections.abc import Sequence

from stages.artifacts import Measure
from stages.evaluate.evaluation import Origin
from stages.evaluate.formatting import counted, measured, percent
from stages.metrics.boxes import BoxThreshold

UNCERTAIN = 0.05  # a spread in F1 between equally likely thresholds that is worth advice


def on_threshold(
    chosen: BoxThreshold,
    precision: float | None,
    noun: str,
    origin: Origin = "test",
    within: tuple[float, float] | None = None,
) -> str:
    """Describe the effect of the threshold on a box's score, where it was chosen (`origin`), and
    `within` which thresholds other samples could have put it."""
    wanted = (
        "as the best compromise between precision and recall (F1)"
        if precision is None
        else f"so that {percent(precision)} of the boxes are right"
    )
    where = {
        "held out": f"was chosen on {noun}s held out of training, {wanted}",
        "test": f"was chosen on these same {noun}s, {wanted}",
        "package": "came with the package, chosen when it was made",
    }
    return (
        f"Use boxes from this score on. The threshold {where[origin]}{_range(within, noun)}. "
        f"In this test "
        f"{_share(chosen.precision)} of the predicted boxes are right, {_share(chosen.recall)} of "
        f"the annotated ones are found, and a {noun} gets {chosen.each:.1f} boxes."
    )


def uncertainty_advice(
    rows: Sequence[BoxThreshold],
    threshold: float,
    within: tuple[float, float] | None,
    chosen_on: int,
    noun: str,
) -> list[str]:
    """Advice to choose the threshold on more samples, if F1 in the test, by threshold in `rows`,
    differs by UNCERTAIN or more between the thresholds `within` which the choice varies."""
    likely = [row.f1 for row in rows if within and within[0] <= row.threshold <= within[1]]
    if within is None or not likely or not likely[0].n:
        return []
    worst, best = (pick(measure.value for measure in likely) for pick in (min, max))
    if best - worst < UNCERTAIN:
        return []
    return [
        f"The threshold of {threshold:.2f} was chosen on {counted(chosen_on, noun)}, which leave "
        f"it anywhere from {within[0]:.2f} to {within[1]:.2f}; F1 in this test is between "
        f"{percent(worst)} and {percent(best)} there. Add {noun}s to the validation split "
        "(etl.splits), so that it is chosen more surely."
    ]


def _range(within: tuple[float, float] | None, noun: str) -> str:
    if within is None or within[0] == within[1]:
        return ""
    return (
        f"; as many other {noun}s would have put it between {within[0]:.2f} and {within[1]:.2f} "
        "(95 % of resamples)"
    )


def _share(measure: Measure) -> str:
    return measured(measure) if measure.n else "an unknown share"
