"""Describes the recommended threshold on a box's score."""

from stages.artifacts import Measure
from stages.evaluate.evaluation import Origin
from stages.evaluate.formatting import measured, percent
from stages.metrics.boxes import BoxThreshold


def on_threshold(
    chosen: BoxThreshold, precision: float | None, noun: str, origin: Origin = "test"
) -> str:
    """Describe the effect of the threshold on a box's score, and where it was chosen (`origin`)."""
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
        f"Use boxes from this score on. The threshold {where[origin]}. In this test "
        f"{_share(chosen.precision)} of the predicted boxes are right, {_share(chosen.recall)} of "
        f"the annotated ones are found, and a {noun} gets {chosen.each:.1f} boxes."
    )


def _share(measure: Measure) -> str:
    return measured(measure) if measure.n else "an unknown share"
