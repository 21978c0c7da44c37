"""What is found out about predictions, whatever kind of answer they are."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, Literal

from stages.evaluate import formatting
from stages.evaluate.few import few_tested
from stages.evaluate.predictions import Predicted
from stages.evaluate.sure import SureAnswers
from stages.evaluate.verdict import Judgement, Verdict, verdict
from stages.metrics import Measured, PrecisionRecallCurve

Origin = Literal["held out", "test", "package"]  # of a threshold: where it was chosen


@dataclass(frozen=True)
class Evaluation(ABC):
    """The evaluation of the predictions of a model or a package.

    `threshold`: the recommended one; `origin`: where it was chosen; `precision`: the share of right
    answers that was wanted at it, None if none was. `thresholds`: what each of many thresholds
    gains and costs. `sure`: the answers that are marked as sure."""

    predicted: Predicted
    measured: Measured
    judgements: tuple[Judgement, ...]
    reasons: tuple[str, ...]
    advice: tuple[str, ...]
    thresholds: tuple[Any, ...]
    threshold: float
    sure: SureAnswers
    origin: Origin
    precision: float | None
    curves: dict[str, PrecisionRecallCurve]

    @property
    def verdict(self) -> Verdict:
        return verdict(self.judgements, few_tested(self.measured))

    @property
    def minimum(self) -> bool:
        """Whether a gate was set."""
        return not any(judgement.default for judgement in self.judgements)

    @property
    def headline(self) -> str:
        """The verdict in words."""
        return formatting.headline(self.verdict, self.minimum)

    @property
    def chosen(self) -> Any:
        """What the recommended threshold gains and costs."""
        return min(self.thresholds, key=lambda row: abs(row.threshold - self.threshold))

    @property
    @abstractmethod
    def threshold_summary(self) -> str:
        """What the recommended threshold is for, in plain words."""

    @abstractmethod
    def record(self) -> bytes:
        """Everything measured, as JSON for people and programs."""
