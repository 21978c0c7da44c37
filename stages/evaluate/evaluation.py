"""The evaluation of predictions, for any kind of answer."""

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

    `threshold`: the recommended one; `origin`: where it was chosen; `precision`: the precision that
    was required at it, None if none was. `thresholds`: the metrics at each of many thresholds.
    `sure`: the answers that are marked as sure."""

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
        """Whether the model passes the gate, or whether that is uncertain."""
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
        """The metrics at the recommended threshold."""
        return min(self.thresholds, key=lambda row: abs(row.threshold - self.threshold))

    @property
    @abstractmethod
    def threshold_summary(self) -> str:
        """A description of the recommended threshold."""

    @abstractmethod
    def record(self) -> bytes:
        """Everything measured, as JSON for people and programs."""
