"""The evaluation of answers that are a score for each label."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from stages.artifacts import Measure
from stages.config import EvaluateConfig
from stages.evaluate import evaluation
from stages.evaluate.confused import ConfusedPair, pairs
from stages.evaluate.few import few_tested
from stages.evaluate.held_out import ComparisonWithTest, training_groups
from stages.evaluate.kinds import Unseen, origin_of
from stages.evaluate.labels import shift_text
from stages.evaluate.labels.advice import advice
from stages.evaluate.labels.baselines import Selection
from stages.evaluate.labels.groups import Groups, groups, worse
from stages.evaluate.labels.growth import Growth, growth_of
from stages.evaluate.labels.held_out import held_out_comparison
from stages.evaluate.labels.mistakes import Mistake, mistakes
from stages.evaluate.labels.pooled import pooled_answers
from stages.evaluate.labels.scores import Scored, scored
from stages.evaluate.labels.shift import Shift, shift_of
from stages.evaluate.labels.similar import SimilarLabels, similar_labels
from stages.evaluate.labels.unknown_samples import (
    UnknownSamples,
    only_answers,
    other_of,
    unknown_samples,
)
from stages.evaluate.needed import Needed, samples_of_a_group
from stages.evaluate.predictions import Predicted
from stages.evaluate.reasons import reasons
from stages.evaluate.record import recorded
from stages.evaluate.sure import PRECISION, Answered, SureAnswers, sure_answers
from stages.evaluate.training import Training
from stages.evaluate.verdict import Judgement, against_guessing, judgements_of
from stages.metrics import Measured, Threshold, curves, measure, recommended, thresholds
from stages.runtime.answers.sure import Sure


@dataclass(frozen=True)
class Evaluation(evaluation.Evaluation):
    """`precision`: PRECISION if the config asks for none. `pairs`: the labels that are confused.
    `groups`: accuracy by other columns of the data. `unknown_samples`: how samples without any of
    the labels are answered, if the model can reject them. `held_out`: fetches a sample that was
    held out in training by its digest."""

    thresholds: tuple[Threshold, ...]
    precision: float
    mistakes: tuple[Mistake, ...]
    pairs: tuple[ConfusedPair, ...]
    groups: Groups
    unknown_samples: UnknownSamples | None = None
    similar_labels: tuple[SimilarLabels, ...] = ()
    held_out: Callable[[str], bytes] | None = None
    shift: Shift | None = None
    growth: Growth | None = None
    selection: Selection | None = None

    @property
    def threshold_summary(self) -> str:
        return self.sure.summary

    def record(self) -> bytes:
        return recorded(
            self,
            groups=self.groups,
            mistakes=[
                {**mistake._asdict(), "suspicious": mistake.suspicious} for mistake in self.mistakes
            ],
            similar_labels=[pair.record for pair in self.similar_labels],
            **({"unknown_samples": self.unknown_samples.record} if self.unknown_samples else {}),
            **({"shift": self.shift.record} if self.shift else {}),
        )


def evaluated(
    predicted: Predicted,
    config: EvaluateConfig,
    tested: float,
    unseen: Unseen | None,
    packaged_threshold: float | None = None,
    training: Training | None = None,
    sure: Sure | None = None,
) -> Evaluation:
    """Measure `predicted` and compare it with the gates; see `Kind.evaluated`."""
    test = scored_test(predicted)
    held_out = scored(unseen.truth, unseen.answers, len(predicted.labels)) if unseen else test
    answered, chosen = (only_answers(scores, other_of(predicted)) for scores in (test, held_out))
    precision = PRECISION if config.precision is None else config.precision
    threshold = (
        recommended(chosen.truth, chosen.scores, precision)
        if packaged_threshold is None
        else packaged_threshold
    )
    measured = measured_test(predicted, test)
    judgements = judgements_of(config.gate, measured, against_guessing)
    comparison = held_out_comparison(predicted, test, measured, unseen, training_groups(training))
    sections = _training_sections(training, predicted.noun) | {"comparison": comparison}
    found = similar_labels(pooled_answers(predicted, test, unseen, held_out), other_of(predicted))
    return Evaluation(
        predicted=predicted,
        measured=measured,
        judgements=tuple(judgements),
        reasons=tuple(reasons(judgements, predicted.noun, few_tested(measured))),
        thresholds=tuple(thresholds(answered.truth, answered.scores, 0.01, answered.clusters)),
        threshold=threshold,
        sure=_sure(answered, chosen, precision, sure, predicted, held_out=unseen is not None),
        origin=origin_of(packaged_threshold, unseen),
        precision=precision,
        curves=curves(test.truth, test.scores, predicted.labels),
        unknown_samples=unknown_samples(predicted, test, unseen, held_out, threshold),
        similar_labels=found,
        held_out=unseen.fetch if unseen and unseen.digests else None,
        **sections,
        **_mistakes_and_advice(
            predicted,
            test,
            measured,
            judgements,
            tested,
            sections,
            found,
        ),
    )


def scored_test(predicted: Predicted) -> Scored:
    """The answers of `predicted` as arrays, with their groups."""
    return scored(predicted.truth, predicted.answers, len(predicted.labels), predicted.groups)


def measured_test(predicted: Predicted, test: Scored) -> Measured:
    """The metrics of `predicted`, whose arrays are `test`."""
    return measure(
        test.truth,
        test.scores,
        predicted.labels,
        rejected=predicted.other,
        groups=predicted.groups,
    )


def sure_by(predicted: Predicted, rule: Sure) -> SureAnswers:
    """Which of the answers are sure by the `rule` of a package."""
    test = only_answers(scored_test(predicted), other_of(predicted))
    return _sure(test, test, PRECISION, rule, predicted, held_out=False)


def _sure(
    test: Scored,
    chosen: Scored,
    precision: float,
    packaged_rule: Sure | None,
    predicted: Predicted,
    *,
    held_out: bool,
) -> SureAnswers:
    """Which answers to the `test` samples are sure; rejected ones have no score."""
    counted = _answered(test)

    def measures(least: float | None) -> tuple[Measure, Measure]:
        reached = counted.scores >= (np.inf if least is None else least)
        return test.share(counted.right, reached), test.share(reached)

    return sure_answers(
        counted,
        _answered(chosen),
        precision,
        packaged_rule,
        measures,
        held_out=held_out,
        noun=f"{predicted.noun}s",
        other=other_of(predicted),
    )


def _answered(scored: Scored) -> Answered:
    return Answered(scored.scores.max(axis=1, initial=-1), scored.predicted == scored.truth)


def _training_sections(training: Training | None, noun: str) -> dict[str, Any]:
    """The sections on the model's training; none if it is not available."""
    if training is None:
        return {}
    return {
        "shift": shift_of(training),
        "growth": growth_of(training, noun),
        "selection": Selection(training.model.selection),
    }


def _mistakes_and_advice(
    predicted: Predicted,
    test: Scored,
    measured: Measured,
    judgements: list[Judgement],
    tested: float,
    sections: dict[str, Any],
    near: tuple[SimilarLabels, ...],
) -> dict[str, Any]:
    """The mistakes, grouped in several ways, and the advice that follows from them."""
    comparison: ComparisonWithTest | None = sections["comparison"]
    dropped = comparison is not None and comparison.dropped
    wrong = mistakes(predicted, test, trusted=not dropped)
    confused = pairs(measured.confusion, predicted.labels)
    grouped = groups(test, predicted.extras)
    weak = worse(grouped, measured.overall["accuracy"])
    needed = Needed(predicted.noun, tested, grouped=_samples_of_a_group(predicted))
    similar_pairs = [{pair.label, pair.other} for pair in near]
    lines = needed.few_groups(predicted.named_groups, len(predicted.names))
    lines += advice(measured, judgements, wrong, confused, weak, needed, similar_pairs)
    shift, growth = sections.get("shift"), sections.get("growth")
    if comparison is not None and comparison.dropped:
        lines.insert(0, comparison.advice(shift_text.reasons(shift) if shift else ""))
    else:
        lines += shift_text.advice(shift) + (growth.advice if growth else [])
    return {
        "advice": tuple(lines),
        "mistakes": tuple(wrong),
        "pairs": tuple(confused),
        "groups": grouped,
    }


def _samples_of_a_group(predicted: Predicted) -> dict[str, float]:
    """How many samples a named group has on average: of each label, and under '' of all."""
    labels = [predicted.labels[index] for index in predicted.truth]
    return samples_of_a_group(predicted.groups, [{label} for label in labels])
