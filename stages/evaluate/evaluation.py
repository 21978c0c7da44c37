"""The evaluation of predictions, for any kind of answer."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, Literal

from stages.evaluate import formatting
from stages.evaluate.few import few_tested
from stages.evaluate.held_out import ComparisonWithTest
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
    `sure`: the answers that are marked as sure. `comparison`: of held-out samples with the test, if
    there are held-out ones."""

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
    comparison: ComparisonWithTest | None

    @property
    def verdict(self) -> Verdict:
        """Whether the model passes the gate, or whether that is uncertain."""
        return verdict(self.judgements, few_tested(self.measured))

    @property
    def dropped(self) -> bool:
        """Whether the test is significantly worse than samples held out of training."""
        return self.comparison is not None and self.comparison.dropped

    @property
    def means_over(self) -> str:
        """Over how many labels means are, if the test lacks some; else empty."""
        each = self.measured.labels.values()
        tested = sum(bool(measures["support"].value) for measures in each)
        occurring = sum(
            bool(measures["support"].value or measures["precision"].n) for measures in each
        )
        if tested == len(each):
            return ""
        first = "AP is" if "ap50" in self.measured.overall else "balanced accuracy is"
        return (
            f"The test lacks {len(each) - tested} of {len(each)} labels: {first} the mean over the "
            f"other {tested}, macro means are over the {occurring} that are tested or predicted."
        )

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
