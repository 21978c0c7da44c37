"""Compares held-out samples and test of a model whose answers are boxes."""

from collections.abc import Mapping, Sequence
from typing import Any

from stages.evaluate.held_out import ComparisonWithTest, Figure
from stages.evaluate.kinds import Unseen
from stages.evaluate.predictions import Predicted
from stages.metrics import Measured
from stages.metrics.boxes import Matches, measure_boxes

METRICS = ("ap50", "micro_recall", "micro_precision")


def held_out_comparison(
    predicted: Predicted,
    found: Matches,
    measured: Measured,
    unseen: Unseen | None,
    threshold: float,
    groups: Mapping[str, str],
) -> ComparisonWithTest | None:
    """Compare `unseen` with the test, `found` and `measured`, over the labels that both have; None
    if there are no such labels. `groups`: of held-out samples, by digest."""
    if unseen is None or not len(unseen.truth):
        return None
    tested = {int(box[-1]) for boxes in predicted.truth for box in boxes}
    common = tested & {int(box[-1]) for boxes in unseen.truth for box in boxes}
    if not common:
        return None
    keys = [groups.get(digest, digest) for digest in unseen.digests]
    labels = predicted.labels
    before = _measured(unseen.truth, unseen.answers, labels, threshold, keys, common)
    test = measured
    if common != tested:
        answers, own = predicted.answers, predicted.groups
        test = _measured(predicted.truth, answers, labels, threshold, own, common)
    shown = found.score >= threshold
    return ComparisonWithTest(
        tuple(Figure(name, before.overall[name], test.overall[name]) for name in METRICS),
        float(found.score[shown].mean()) if shown.any() else 0.0,
        measured.overall["micro_precision"],
        predicted.noun,
        "boxes that are shown",
    )


def _measured(
    truth: Sequence[Any],
    answers: Sequence[Any],
    labels: Sequence[str],
    threshold: float,
    groups: Sequence[str],
    common: set[int],
) -> Measured:
    """The metrics over the labels `common` alone."""
    true, predicted = (
        [[box for box in boxes if int(box[-1]) in common] for boxes in side]
        for side in (truth, answers)
    )
    return measure_boxes(true, predicted, labels, threshold, groups=groups)
