"""Labels that the test has too few samples of: with those no verdict can be given."""

from collections.abc import Mapping

from stages.evaluate.formatting import listed
from stages.metrics import Measured

LEAST = 5  # test samples of each label, or boxes, that a verdict needs


def few_tested(measured: Measured) -> dict[str, int]:
    """The labels with fewer than LEAST test samples (of boxes: test boxes), and how many each has.

    The label that a model gives to unknown samples needs none, and is not measured without."""
    tested = {label: int(each["support"].value) for label, each in measured.labels.items()}
    return {label: count for label, count in tested.items() if count < LEAST}


def too_few(few: Mapping[str, int], item: str) -> list[str]:
    """The reason why a test with `few` samples of some labels decides nothing; `item`: what is
    counted, as 'photo' or 'box'."""
    if not few:
        return []
    have = listed(
        [f"'{label}' has {count}, {LEAST - count} too few" for label, count in few.items()],
        "label",
    )
    things = "boxes" if item == "box" else f"{item}s"
    return [
        f"The test is too small to decide: it needs at least {LEAST} {things} of each label, and "
        f"{have}."
    ]
