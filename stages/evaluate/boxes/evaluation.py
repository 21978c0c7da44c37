"""The evaluation of answers that are boxes with a label and a score."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from stages.artifacts import Measure
from stages.config import EvaluateConfig
from stages.evaluate import evaluation
from stages.evaluate.boxes.advice import advice
from stages.evaluate.boxes.mistakes import Mistake, mistakes
from stages.evaluate.boxes.small import compare_small
from stages.evaluate.boxes.threshold import on_threshold
from stages.evaluate.confused import pairs
from stages.evaluate.few import few_tested
from stages.evaluate.kinds import Unseen, origin_of
from stages.evaluate.needed import Needed
from stages.evaluate.predictions import Predicted
from stages.evaluate.reasons import reasons
from stages.evaluate.record import recorded
from stages.evaluate.sure import Answered, SureAnswers, sure_answers
from stages.evaluate.verdict import Judgement, judgements_of, outcome
from stages.metrics import Measured
from stages.metrics.boxes import (
    BoxThreshold,
    Matches,
    box_curves,
    box_thresholds,
    matches,
    measure_boxes,
    outcomes,
    recommended_threshold,
)
from stages.metrics.boxes.box_measures import Tallies, by_label, tallies
from stages.metrics.intervals import proportion
from stages.runtime.answers.sure import Sure

LEAST_AP50 = 0.5  # the default gate: with less, boxes are of little use
Epochs = Sequence[Mapping[str, float]]


@dataclass(frozen=True)
class Evaluation(evaluation.Evaluation):
    """Precision, recall, F1, confusion and mistakes are counted at the recommended threshold.
    `epochs`: metrics of training after each epoch."""

    thresholds: tuple[BoxThreshold, ...]
    mistakes: tuple[Mistake, ...]
    epochs: Epochs

    @property
    def threshold_summary(self) -> str:
        return on_threshold(self.chosen, self.precision, self.predicted.noun, self.origin)

    def record(self) -> bytes:
        return recorded(
            self,
            mistakes=[mistake._asdict() for mistake in self.mistakes],
            epochs=[dict(epoch) for epoch in self.epochs],
        )


def evaluated(
    predicted: Predicted,
    config: EvaluateConfig,
    tested: float,
    unseen: Unseen | None,
    epochs: Epochs,
    packaged_threshold: float | None = None,
    sure: Sure | None = None,
) -> Evaluation:
    """Measure `predicted` and compare it with the gates; see `Kind.evaluated`."""
    labels = predicted.labels
    found = matches(predicted.truth, predicted.answers, len(labels))
    held_out_matches = matches(unseen.truth, unseen.answers, len(labels)) if unseen else found
    threshold = (
        recommended_threshold(held_out_matches, config.precision)
        if packaged_threshold is None
        else packaged_threshold
    )
    measured = measure_boxes(predicted.truth, predicted.answers, labels, threshold, found=found)
    judgements = judgements_of(config.gate, measured, against_half)
    wrong = mistakes(predicted, found, outcomes(found, threshold))
    needed = Needed(predicted.noun, tested, _each(found, measured))
    return Evaluation(
        predicted=predicted,
        measured=measured,
        judgements=tuple(judgements),
        reasons=tuple(reasons(judgements, predicted.noun, few_tested(measured), "box")),
        advice=tuple(_advice(measured, judgements, wrong, found, threshold, needed)),
        thresholds=tuple(box_thresholds(found)),
        threshold=threshold,
        sure=_sure(
            found, held_out_matches, threshold, config.precision, sure, held_out=unseen is not None
        ),
        origin=origin_of(packaged_threshold, unseen),
        precision=config.precision,
        curves=box_curves(found, _ap50s(measured), labels),
        mistakes=tuple(wrong),
        epochs=epochs,
    )


def sure_by(predicted: Predicted, threshold: float, rule: Sure) -> SureAnswers:
    """Which of the boxes from `threshold` on are sure by the `rule` of a package."""
    found = matches(predicted.truth, predicted.answers, len(predicted.labels))
    return _sure(found, found, threshold, None, rule, held_out=False)


def _sure(
    found: Matches,
    held_out_matches: Matches,
    threshold: float,
    precision: float | None,
    packaged_rule: Sure | None,
    *,
    held_out: bool,
) -> SureAnswers:
    """Which of the boxes that are shown, those from `threshold` on, are sure."""
    shown = found.score >= threshold
    test = Answered(found.score[shown], found.found[shown] >= 0)

    def measures(least: float | None) -> tuple[Measure, Measure]:
        if least is None:
            return proportion(0, 0), proportion(0, len(test.scores))
        tally = tallies(found, max(least, threshold))
        every = Tallies(*(counts.sum(axis=1, keepdims=True) for counts in tally))
        return by_label(every, 0)[0]["precision"], proportion(test.at(least)[0], len(test.scores))

    chosen = Answered(held_out_matches.score, held_out_matches.found >= 0)
    return sure_answers(
        test, chosen, precision, packaged_rule, measures, held_out=held_out, noun="boxes"
    )


def against_half(measured: Measured) -> Judgement:
    """The default gate: AP50 of at least LEAST_AP50."""
    ap = measured.overall["ap50"]
    few = bool(few_tested(measured))
    return Judgement("ap50", LEAST_AP50, ap, outcome(ap, LEAST_AP50, surely=few))


def _advice(
    measured: Measured,
    judgements: Sequence[Judgement],
    wrong: Sequence[Mistake],
    found: Matches,
    threshold: float,
    needed: Needed,
) -> list[str]:
    confusion = [row[:-1] for row in measured.confusion[:-1]]
    confused = pairs(confusion, list(measured.labels))
    return advice(measured, judgements, wrong, confused, compare_small(found, threshold), needed)


def _each(found: Matches, measured: Measured) -> dict[str, float]:
    """By label, the mean number of its boxes in a sample that has any; by metric, the mean number
    of boxes that it counts in a sample."""
    support = found.support
    having = (support > 0).sum(axis=0)
    boxes = support.sum(axis=0) / np.maximum(having, 1)
    by_label = {label: float(n) for label, n in zip(measured.labels, boxes, strict=True) if n}
    by_metric = {
        name: measure.n / found.images
        for name, measure in measured.overall.items()
        if measure.n and not name.startswith("ap")
    }
    return by_metric | by_label


def _ap50s(measured: Measured) -> "np.ndarray[tuple[int, ...], np.dtype[np.float64]]":
    return np.array([each["ap50"].value for each in measured.labels.values()], np.float64)
