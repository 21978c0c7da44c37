"""Answers that are boxes with a label and a score: how they are measured, reported, compared."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

from stages.config import EvaluateConfig
from stages.etl.manifest import Sample
from stages.evaluate.about import About
from stages.evaluate.boxes.agreement import agreement_of
from stages.evaluate.boxes.evaluation import (
    Evaluation,
    against_half,
    evaluated,
    matches_of,
    sure_by,
)
from stages.evaluate.boxes.page import page
from stages.evaluate.boxes.picture_outcomes import picture_outcomes, with_labels
from stages.evaluate.kinds import Agreement, Unseen, check_label_names
from stages.evaluate.outcomes import SampleOutcome
from stages.evaluate.predictions import Predicted
from stages.evaluate.sure import SureAnswers
from stages.evaluate.training import Training
from stages.evaluate.verdict import Judgement, judgements_of
from stages.media import Modality
from stages.metrics import Measured
from stages.metrics.boxes import measure_boxes
from stages.runtime.answers.sure import Sure


class Boxes:
    """Truth: [[left, top, right, bottom, label's index], ...], pixels of the upright picture.
    Answer: [[left, top, right, bottom, score, label's index], ...]."""

    headline: ClassVar[tuple[str, ...]] = ("ap50", "ap50_95", "micro_recall", "micro_precision")
    compared: ClassVar[str] = "the boxes in the test split"
    counted: ClassVar[str] = "box"

    def truth(self, samples: Sequence[Sample], labels: Sequence[str]) -> list[Any]:
        check_label_names((box.label for sample in samples for box in sample.boxes), labels)
        place = {label: index for index, label in enumerate(labels)}
        return [[[*box[1:], place[box.label]] for box in sample.boxes] for sample in samples]

    def evaluated(
        self,
        predicted: Predicted,
        config: EvaluateConfig,
        *,
        tested: float = 1.0,
        unseen: Unseen | None = None,
        curve: Sequence[Mapping[str, float]] = (),
        threshold: float | None = None,
        training: Training | None = None,
        sure: Sure | None = None,
    ) -> Evaluation:
        return evaluated(predicted, config, tested, unseen, curve, threshold, sure, training)

    def page(
        self,
        evaluation: Evaluation,
        about: About,
        fetch: Callable[[int], bytes],
        modality: Modality,
        worst: int,
    ) -> str:
        return page(evaluation, about, fetch, worst)

    def measured(self, predicted: Predicted, threshold: float) -> Measured:
        found = matches_of(predicted)
        return measure_boxes(
            predicted.truth, predicted.answers, predicted.labels, threshold, found=found
        )

    def sure(self, predicted: Predicted, threshold: float, rule: Sure) -> SureAnswers:
        return sure_by(predicted, threshold, rule)

    def judgements(self, measured: Measured, gate: Mapping[str, float]) -> list[Judgement]:
        return judgements_of(gate, measured, against_half)

    def agreement(
        self,
        trained: Predicted,
        packed: Sequence[Any],
        labels: Sequence[str],
        *,
        threshold: float,
        max_drop: float,
        least: float,
    ) -> Agreement:
        return agreement_of(trained, packed, labels, threshold, max_drop, least)

    def with_labels(self, predicted: Predicted, labels: Sequence[str]) -> Predicted:
        return with_labels(predicted, labels)

    def sample_outcomes(self, predicted: Predicted, threshold: float) -> list[SampleOutcome]:
        return picture_outcomes(predicted, matches_of(predicted), threshold)
