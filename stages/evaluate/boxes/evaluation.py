"""The evaluation of answers that are boxes with a label and a score."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from stages.artifacts import Measure
from stages.config import EvaluateConfig
from stages.evaluate import evaluation
from stages.evaluate.boxes.advice import advice
from stages.evaluate.boxes.better_threshold import BetterThreshold, better_of
from stages.evaluate.boxes.held_out import held_out_comparison
from stages.evaluate.boxes.mistakes import Mistake, mistakes
from stages.evaluate.boxes.small import compare_small
from stages.evaluate.boxes.threshold import on_threshold, uncertainty_advice
from stages.evaluate.confused import pairs
from stages.evaluate.few import few_tested
from stages.evaluate.held_out import training_groups
from stages.evaluate.kinds import Unseen, origin_of
from stages.evaluate.needed import Needed, samples_of_a_group
from stages.evaluate.predictions import Predicted
from stages.evaluate.reasons import reasons
from stages.evaluate.record import recorded
from stages.evaluate.sure import Answered, SureAnswers, sure_answers
from stages.evaluate.training import Training
from stages.evaluate.verdict import Judgement, judgements_of, outcome
from stages.metrics import Measured
from stages.metrics.boxes import (
    BoxThreshold,
    Matches,
    box_curves,
    box_threshold_interval,
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
    `epochs`: metrics of training after each epoch. `within`: between which thresholds the choice
    varies with the pictures that it was made on; None if it was not made here. `better`: another
    threshold, if F1 is significantly higher there in this test."""

    thresholds: tuple[BoxThreshold, ...]
    mistakes: tuple[Mistake, ...]
    epochs: Epochs
    within: tuple[float, float] | None
    better: BetterThreshold | None

    @property
    def threshold_summary(self) -> str:
        noun = self.predicted.noun
        return on_threshold(self.chosen, self.precision, noun, self.origin, self.within)

    def record(self) -> bytes:
        return recorded(
            self,
            mistakes=[mistake._asdict() for mistake in self.mistakes],
            epochs=[dict(epoch) for epoch in self.epochs],
            chosen_within=self.within,
            **({"better_threshold": self.better.record} if self.better else {}),
        )


def evaluated(
    predicted: Predicted,
    config: EvaluateConfig,
    tested: float,
    unseen: Unseen | None,
    epochs: Epochs,
    packaged_threshold: float | None = None,
    sure: Sure | None = None,
    training: Training | None = None,
) -> Evaluation:
    """Measure `predicted` and compare it with the gates; see `Kind.evaluated`."""
    labels = predicted.labels
    found = matches_of(predicted)
    groups = training_groups(training)
    held_out_matches = _held_out_matches(unseen, labels, groups) if unseen else found
    threshold = (
        recommended_threshold(held_out_matches, config.precision)
        if packaged_threshold is None
        else packaged_threshold
    )
    measured = measure_boxes(predicted.truth, predicted.answers, labels, threshold, found=found)
    judgements = judgements_of(config.gate, measured, against_half)
    comparison = held_out_comparison(predicted, found, measured, unseen, threshold, groups)
    dropped = comparison is not None and comparison.dropped
    wrong = mistakes(predicted, found, outcomes(found, threshold), trusted=not dropped)
    rows = tuple(box_thresholds(found))
    within = None
    if packaged_threshold is None:
        within = box_threshold_interval(held_out_matches, config.precision)
    better = better_of(found, rows, threshold) if config.precision is None else None
    advice = _advice(predicted, measured, judgements, wrong, found, threshold, tested, better)
    chosen_on = len(unseen.truth) if unseen else found.images
    if better:
        advice.insert(0, better.advice(predicted.noun, chosen_on, within))
    elif unseen is not None:
        advice += uncertainty_advice(rows, threshold, within, chosen_on, predicted.noun)
    if comparison is not None and comparison.dropped:
        advice.insert(0, comparison.advice())
    return Evaluation(
        predicted=predicted,
        measured=measured,
        judgements=tuple(judgements),
        reasons=tuple(reasons(judgements, predicted.noun, few_tested(measured), "box")),
        advice=tuple(advice),
        thresholds=rows,
        threshold=threshold,
        sure=_sure(
            found, held_out_matches, threshold, config.precision, sure, held_out=unseen is not None
        ),
        origin=origin_of(packaged_threshold, unseen),
        precision=config.precision,
        curves=box_curves(found, _ap50s(measured), labels),
        comparison=comparison,
        mistakes=tuple(wrong),
        epochs=epochs,
        within=within,
        better=better,
    )


def matches_of(predicted: Predicted) -> Matches:
    """The boxes of `predicted`, matched, with the groups of their samples."""
    truth, answers = predicted.truth, predicted.answers
    return matches(truth, answers, len(predicted.labels), predicted.groups)


def _held_out_matches(unseen: Unseen, labels: Sequence[str], groups: Mapping[str, str]) -> Matches:
    keys = [groups.get(digest, digest) for digest in unseen.digests]
    return matches(unseen.truth, unseen.answers, len(labels), keys)


def sure_by(predicted: Predicted, threshold: float, rule: Sure) -> SureAnswers:
    """Which of the boxes from `threshold` on are sure by the `rule` of a package."""
    found = matches_of(predicted)
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
    predicted: Predicted,
    measured: Measured,
    judgements: Sequence[Judgement],
    wrong: Sequence[Mistake],
    found: Matches,
    threshold: float,
    tested: float,
    better: BetterThreshold | None,
) -> list[str]:
    """The advice about labels and boxes. Recall is no fault of the data while a `better` threshold
    would lift it."""
    labels = [{predicted.labels[int(box[-1])] for box in boxes} for boxes in predicted.truth]
    grouped = samples_of_a_group(predicted.groups, labels)
    needed = Needed(predicted.noun, tested, _each(found, measured), grouped)
    small = None if better else compare_small(found, threshold)
    confusion = [row[:-1] for row in measured.confusion[:-1]]
    confused = pairs(confusion, list(measured.labels))
    lines = needed.few_groups(predicted.named_groups, len(predicted.names))
    blame = better is None or better.threshold > threshold
    lines += advice(measured, judgements, wrong, confused, small, needed, weakest=blame)
    return lines


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
