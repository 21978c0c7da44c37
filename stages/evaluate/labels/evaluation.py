"""All that is found out about answers that are a score for each label."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from stages.artifacts import Measure
from stages.config import EvaluateConfig
from stages.evaluate import evaluation
from stages.evaluate.confused import Pair, pairs
from stages.evaluate.few import few_tested
from stages.evaluate.kinds import Unseen, origin_of
from stages.evaluate.labels import shift_words
from stages.evaluate.labels.advice import advice
from stages.evaluate.labels.alike import Alike, alike
from stages.evaluate.labels.groups import Groups, groups, worse
from stages.evaluate.labels.growth import Growth, growth_of
from stages.evaluate.labels.mistakes import Mistake, mistakes
from stages.evaluate.labels.rivals import Choice
from stages.evaluate.labels.scores import Scored, scored
from stages.evaluate.labels.shift import Shift, shift_of
from stages.evaluate.labels.told import told_of
from stages.evaluate.labels.unknowns import Unknowns, only_answers, other_of, unknowns
from stages.evaluate.needed import Needed
from stages.evaluate.predictions import Predicted
from stages.evaluate.reasons import reasons
from stages.evaluate.record import recorded
from stages.evaluate.sure import PRECISION, Answered, SureAnswers, sure_answers
from stages.evaluate.training import Training
from stages.evaluate.verdict import Judgement, against_guessing, judge
from stages.metrics import Measured, Threshold, curves, measure, recommended, thresholds
from stages.metrics.intervals import proportion
from stages.runtime.answers.sure import Sure


@dataclass(frozen=True)
class Evaluation(evaluation.Evaluation):
    """`precision`: PRECISION if none was asked for; `pairs`: which labels are taken for which;
    `groups`: how right the answers are by other columns of the data; `unknowns`: what becomes of
    samples that have none of the labels, if the model can say so."""

    thresholds: tuple[Threshold, ...]
    precision: float
    mistakes: tuple[Mistake, ...]
    pairs: tuple[Pair, ...]
    groups: Groups
    unknowns: Unknowns | None = None
    alike: tuple[Alike, ...] = ()
    held_out: Callable[[str], bytes] | None = None  # a sample that was held out in training
    shift: Shift | None = None
    growth: Growth | None = None
    choice: Choice | None = None

    @property
    def threshold_says(self) -> str:
        return self.sure.says

    def record(self) -> bytes:
        return recorded(
            self,
            groups=self.groups,
            mistakes=[{**one._asdict(), "suspicious": one.suspicious} for one in self.mistakes],
            alike=[one.record for one in self.alike],
            **({"unknowns": self.unknowns.record} if self.unknowns else {}),
            **({"shift": self.shift.record} if self.shift else {}),
        )


def evaluated(
    predicted: Predicted,
    config: EvaluateConfig,
    tested: float,
    unseen: Unseen | None,
    given: float | None = None,
    training: Training | None = None,
    sure: Sure | None = None,
) -> Evaluation:
    """Measure and judge `predicted`; see `Kind.evaluated`."""
    seen = scored(predicted.truth, predicted.answers, len(predicted.labels))
    held = scored(unseen.truth, unseen.answers, len(predicted.labels)) if unseen else seen
    answered, chosen = (only_answers(one, other_of(predicted)) for one in (seen, held))
    precision = PRECISION if config.precision is None else config.precision
    threshold = recommended(chosen.truth, chosen.scores, precision) if given is None else given
    measured = measure(seen.truth, seen.scores, predicted.labels, rejected=predicted.other)
    judgements = judge(config.gate, measured, against_guessing)
    back = _looked_back(training, predicted.thing)
    found = alike(told_of(predicted, seen, unseen, held), other_of(predicted))
    return Evaluation(
        predicted=predicted,
        measured=measured,
        judgements=tuple(judgements),
        reasons=tuple(reasons(judgements, predicted.thing, few_tested(measured))),
        thresholds=tuple(thresholds(answered.truth, answered.scores, 0.01)),
        threshold=threshold,
        sure=_sure(answered, chosen, precision, sure, predicted, held_out=unseen is not None),
        origin=origin_of(given, unseen),
        precision=precision,
        curves=curves(seen.truth, seen.scores, predicted.labels),
        unknowns=unknowns(predicted, seen, unseen, held, threshold),
        alike=found,
        held_out=unseen.fetch if unseen and unseen.digests else None,
        **back,
        **_mistaken(predicted, seen, measured, judgements, tested, back, found),
    )


def sure_by(predicted: Predicted, rule: Sure) -> SureAnswers:
    """Which of the answers are sure by the `rule` of a package."""
    seen = scored(predicted.truth, predicted.answers, len(predicted.labels))
    test = only_answers(seen, other_of(predicted))
    return _sure(test, test, PRECISION, rule, predicted, held_out=False)


def _sure(
    test: Scored,
    chosen: Scored,
    precision: float,
    given: Sure | None,
    predicted: Predicted,
    *,
    held_out: bool,
) -> SureAnswers:
    """Which answers to the `test` samples are sure; rejected ones have no score."""
    counted = _answered(test)

    def measures(least: float | None) -> tuple[Measure, Measure]:
        reached, right = (0, 0) if least is None else counted.at(least)
        return proportion(right, reached), proportion(reached, len(counted.scores))

    return sure_answers(
        counted,
        _answered(chosen),
        precision,
        given,
        measures,
        held_out=held_out,
        noun=f"{predicted.thing}s",
        other=other_of(predicted),
    )


def _answered(scored: Scored) -> Answered:
    return Answered(scored.scores.max(axis=1, initial=-1), scored.given == scored.truth)


def _looked_back(training: Training | None, thing: str) -> dict[str, Any]:
    """What training tells, if it can be looked at."""
    if training is None:
        return {}
    return {
        "shift": shift_of(training),
        "growth": growth_of(training, thing),
        "choice": Choice(training.model.selection),
    }


def _mistaken(
    predicted: Predicted,
    seen: Scored,
    measured: Measured,
    judgements: list[Judgement],
    tested: float,
    back: dict[str, Any],
    near: tuple[Alike, ...],
) -> dict[str, Any]:
    """What went wrong, and what to do about it."""
    wrong = mistakes(predicted, seen)
    confused = pairs(measured.confusion, predicted.labels)
    grouped = groups(seen, predicted.extras)
    weak = worse(grouped, measured.overall["accuracy"])
    needed, near_ones = Needed(predicted.thing, tested), [{one.one, one.other} for one in near]
    said = advice(measured, judgements, wrong, confused, weak, needed, near_ones)
    said += shift_words.advice(back.get("shift"))
    said += back["growth"].advice if back.get("growth") else []
    return {
        "advice": tuple(said),
        "mistakes": tuple(wrong),
        "pairs": tuple(confused),
        "groups": grouped,
    }
