"""How many answers of an imported network stay when it is compressed, and whether they suffice."""

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from stages.artifacts import Measure
from stages.deploy.content import Content
from stages.deploy.packed import write_folder
from stages.metrics import proportion
from stages.metrics.boxes import box_agreement, matches
from stages.runtime.predictor import predictor_in
from stages.runtime.steps import PreparedSample

LEAST_AGREEMENT = 0.97  # share of the compared photos' best labels, or boxes, that have to stay
LEAST_SURE = 0.9  # what the lower end of its interval has to reach: 35 labels, if all stay


def why_not(numeric: str, same: Measure, answers: str = "labels") -> str:
    """Why `numeric` is not shipped if the share `same` of the best labels, or of the boxes, stays;
    "" if it is. Few of them decide nothing, however many agree."""
    what = "best labels" if answers == "labels" else answers
    if same.value < LEAST_AGREEMENT:
        return (
            f"{numeric} keeps {same.value:.1%} ({same.low:.1%} to {same.high:.1%}) of {same.n} "
            f"{what}, {LEAST_AGREEMENT:.0%} are needed"
        )
    if same.low < LEAST_SURE:
        return (
            f"undecided: {numeric} keeps {same.value:.1%} of {same.n} {what}, which shows that it "
            f"keeps {same.low:.1%} at least, and {LEAST_SURE:.0%} are needed: give more photos"
        )
    return ""


def same_answers(
    whole: Content, small: Content, samples: Sequence[PreparedSample], on: str | None = None
) -> Measure:
    """The share of answers to `samples` that `small` has in common with `whole`; `small` with the
    engine options of the instruction set `on`."""
    before, after = values_of(whole, samples), values_of(small, samples, on)
    if whole.description["answers"] == "labels":
        equal = [np.argmax(a) == np.argmax(b) for a, b in zip(before, after, strict=True)]
        return proportion(sum(map(bool, equal)), len(equal))
    labels, threshold = len(whole.description["labels"]), whole.kind.least(whole.description)
    old, new = (matches([[]] * len(samples), values, labels) for values in (before, after))
    return box_agreement(old, new, threshold)


def values_of(
    content: Content, samples: Sequence[PreparedSample], on: str | None = None
) -> list[Any]:
    """The values of `samples`, which are answered one at a time."""
    with TemporaryDirectory() as name:
        write_folder(Path(name), content.network)
        with predictor_in(Path(name), content.description, on=on) as predictor:
            return predictor.answered(samples, batch=1)
