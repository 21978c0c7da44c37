"""Labels with too few test samples for a verdict."""

from collections.abc import Mapping

from stages.evaluate.formatting import listed
from stages.metrics import Measured

LEAST = 5  # test samples of each label, or boxes, that a verdict needs


def few_tested(measured: Measured) -> dict[str, int]:
    """The labels with fewer than LEAST test samples (of boxes: test boxes), and how many each has.

    The label for unknown samples needs none: without any it is not among those measured."""
    tested = {label: int(each["support"].value) for label, each in measured.labels.items()}
    return {label: count for label, count in tested.items() if count < LEAST}


def too_few(few: Mapping[str, int], item: str) -> list[str]:
    """The reason why a test with too `few` samples of some labels is undecided; `item`: what is
    counted, such as 'photo' or 'box'."""
    if not few:
        return []
    have = listed(
        [f"'{label}' has {count}, {LEAST - count} too few" for label, count in few.items()],
        "label",
    )
    plural = "boxes" if item == "box" else f"{item}s"
    return [
        f"The test is too small to decide: it needs at least {LEAST} {plural} of each label, and "
        f"{have}."
    ]
