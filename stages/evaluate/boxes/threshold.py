"""What the recommended threshold on a box's score is for, in plain words."""

from stages.artifacts import Measure
from stages.evaluate.evaluation import Origin
from stages.evaluate.formatting import measured, percent
from stages.metrics.boxes import BoxThreshold


def on_threshold(
    chosen: BoxThreshold, precision: float | None, noun: str, origin: Origin = "test"
) -> str:
    """What the threshold on a box's score does; `origin`: where it was chosen."""
    wanted = (
        "as the best compromise (F1) between boxes that are right and things that are found"
        if precision is None
        else f"so that {percent(precision)} of the boxes are right"
    )
    where = {
        "held out": f"was chosen on {noun}s held out of training, {wanted}",
        "test": f"was chosen on these very {noun}s, {wanted}",
        "package": "came with the package, chosen when it was made",
    }
    return (
        f"Take a box from this score on. It {where[origin]}. In this test "
        f"{_share(chosen.precision)} of the boxes are right, {_share(chosen.recall)} of the things "
        f"are found, and a {noun} gets {chosen.each:.1f} boxes."
    )


def _share(measure: Measure) -> str:
    return measured(measure) if measure.n else "an unknown share"
