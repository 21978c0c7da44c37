"""Which answers are sure, by a threshold on the score, and how many of them are right."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stages.artifacts import Measure
from stages.evaluate.formatting import measured, percent
from stages.metrics.thresholds import FEWEST, threshold_interval
from stages.runtime.answers.sure import Sure

PRECISION = 0.95  # share of sure answers to be right, if the config asks for none
STEPS = 100  # thresholds are hundredths

Measures = Callable[[float | None], tuple[Measure, Measure]]  # precision and share from a score on


@dataclass(frozen=True)
class Answered:
    """The score of each answer, [n], and whether it is right. Scores are rounded as a package
    gives them; that of an answer which is never sure is negative."""

    scores: NDArray[np.float64]
    right: NDArray[np.bool_]

    def at(self, least: float) -> tuple[int, int]:
        """How many answers reach `least`, by the runtime's own comparison, and how many of them
        are right."""
        reached = self.scores >= least
        return int(reached.sum()), int((reached & self.right).sum())

    @property
    def rows(self) -> list[tuple[float, int, float]]:
        """Threshold, answers, share that is right: each hundredth that enough answers reach."""
        counts = [(k / STEPS, *self.at(k / STEPS)) for k in range(STEPS)]
        return [(least, count, right / count) for least, count, right in counts if count >= FEWEST]


@dataclass(frozen=True)
class SureAnswers:
    """`rule`: when an answer is sure. `precision`: the share of sure answers that should be right;
    `right`: the share that is, in this test. `share`: of all samples (of all boxes), those with a
    sure answer. `best`: the threshold with the highest share of right answers, and that share, on
    the answers that it was chosen on; None if it was not chosen here, or on too few. `noun`: what
    is answered, in the plural: photos, boxes. `within`: between which thresholds the choice varies
    with the answers that it was made on."""

    rule: Sure
    precision: float
    right: Measure
    share: Measure
    best: tuple[float, float] | None
    held_out: bool
    noun: str
    within: tuple[float, float] | None = None

    @property
    def least(self) -> float | None:
        """The least score of a sure answer; None if no answer is sure."""
        return self.rule.least

    @property
    def record(self) -> dict[str, Any]:
        """The threshold and both shares as JSON."""
        shares = {"right": self.right.model_dump(), "share": self.share.model_dump()}
        return {"from": self.least, **shares}

    @property
    def missed(self) -> bool:
        """Whether no threshold reaches the precision, so that no answer is sure."""
        return self.rule.measured and self.rule.least is None

    @property
    def title(self) -> str:
        """A heading for `summary`."""
        if not self.rule.measured:
            return "It is not known which answers are sure"
        if self.rule.least is None:
            return f"No answer is sure: no threshold reaches {percent(self.precision)}"
        if self.everything:
            return "All answers are sure"
        return f"Sure from a score of {self.rule.least:.2f} on"

    @property
    def everything(self) -> bool:
        """Whether all answers are sure."""
        if self.rule.least is None:
            return False
        return self.rule.least <= 0 or (self.right.n > 0 and self.share.value >= 1)

    @property
    def mark(self) -> float | None:
        """The least score of a sure answer, if it leaves any answer out."""
        return self.rule.least or None

    @property
    def summary(self) -> str:
        """When an answer is sure, and how often sure answers are right."""
        if not self.rule.measured:
            return (
                "The package was made before answers said whether they are sure: deploy the model "
                "again for that."
            )
        if self.rule.least is None:
            return self._none()
        if self.everything:
            counts = f"{measured(self.right)} of them are right in this test"
            return f"Every answer is marked as sure: {counts}.{self._origin()}"
        if not self.right.n:
            return f"No answer reaches {self.rule.least:.2f} in this test.{self._origin()}"
        return (
            f"An answer with a score of {self.rule.least:.2f} or more is marked as sure: in this "
            f"test {measured(self.right)} of the sure answers are right, and "
            f"{measured(self.share)} of the {self.noun} get one. The others are marked as not "
            f"sure, for a person to check.{self._origin()}"
        )

    def _where(self) -> str:
        return "held out of training" if self.held_out else "of this very test"

    def _origin(self) -> str:
        if self.best is None:
            return " The score came with the package, chosen when it was made."
        if self.mark is None:
            return (
                f" On {self.noun} {self._where()} {percent(self.precision)} or more of all answers "
                "are right, so no least score is needed."
            )
        return (
            f" It is the lowest score at which {percent(self.precision)} of the answers are right "
            f"on {self.noun} {self._where()}."
        )

    def _none(self) -> str:
        do = "Let a person check every answer, and add samples"
        if self.best is None:
            return (
                f"No answer is marked as sure: no threshold is known at which "
                f"{percent(self.precision)} of the answers are right. {do}."
            )
        threshold, share = self.best
        return (
            f"No answer is marked as sure: at no threshold are {percent(self.precision)} of the "
            f"answers right on {self.noun} {self._where()}. The best is {percent(share)}, "
            f"{f'from a score of {threshold:.2f} on' if threshold > 0 else 'of all answers'}. "
            f"{do} of the labels that are recognised worst, or ask for less (evaluate.precision)."
        )


def sure_answers(
    test: Answered,
    chosen: Answered,
    precision: float | None,
    packaged_rule: Sure | None,
    measures: Measures,
    *,
    held_out: bool,
    noun: str,
    other: int | None = None,
) -> SureAnswers:
    """Which of the `test` answers are sure. The threshold is the lowest at which a share of
    `precision` of the `chosen` answers is right, or the `packaged_rule`. `measures`: gives the
    precision and the share of the sure answers, with intervals, at a threshold."""
    wanted = PRECISION if precision is None else precision
    best, rule, within = None, packaged_rule, None
    if rule is None:
        rows = chosen.rows
        least = next((row[0] for row in rows if row[2] >= wanted), None)
        rule = Sure(least, other)
        within = threshold_interval(chosen.scores, chosen.right, wanted) if least else None
        if rows:
            threshold, _, share = max(rows, key=lambda row: (row[2], row[1]))
            best = (threshold, share)
    right, share_of_all = measures(rule.least)
    return SureAnswers(rule, wanted, right, share_of_all, best, held_out, noun, within)
