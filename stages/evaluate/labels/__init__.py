"""Answers that are a score for each label: how they are measured, reported and compared."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

from stages.config import EvaluateConfig
from stages.etl.manifest import Sample
from stages.evaluate.about import About
from stages.evaluate.kinds import Agreement, Unseen, check_label_names
from stages.evaluate.labels.agreement import agreement_of
from stages.evaluate.labels.evaluation import (
    Evaluation,
    evaluated,
    measured_test,
    scored_test,
    sure_by,
)
from stages.evaluate.labels.page import page
from stages.evaluate.labels.scores import scored
from stages.evaluate.outcomes import SampleOutcome
from stages.evaluate.predictions import Predicted
from stages.evaluate.sure import SureAnswers
from stages.evaluate.training import Training
from stages.evaluate.verdict import Judgement, against_guessing, judgements_of
from stages.media import Modality
from stages.metrics import Measured
from stages.runtime.answers.sure import Sure


class Labels:
    """Truth: a label's index. Answer: a score for each label, in their order."""

    headline: ClassVar[tuple[str, ...]] = ("accuracy", "macro_recall", "macro_precision")
    compared: ClassVar[str] = "the test split"
    counted: ClassVar[str] = ""

    def truth(self, samples: Sequence[Sample], labels: Sequence[str]) -> list[Any]:
        check_label_names((sample.label for sample in samples), labels)
        return [labels.index(sample.label) for sample in samples]

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
        return evaluated(predicted, config, tested, unseen, threshold, training, sure)

    def page(
        self,
        evaluation: Evaluation,
        about: About,
        fetch: Callable[[int], bytes],
        modality: Modality,
        worst: int,
    ) -> str:
        return page(evaluation, about, fetch, modality, worst)

    def measured(self, predicted: Predicted, threshold: float) -> Measured:
        return measured_test(predicted, scored_test(predicted))

    def sure(self, predicted: Predicted, threshold: float, rule: Sure) -> SureAnswers:
        return sure_by(predicted, rule)

    def judgements(self, measured: Measured, gate: Mapping[str, float]) -> list[Judgement]:
        return judgements_of(gate, measured, against_guessing)

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
        before = scored(trained.truth, trained.answers, len(labels), trained.groups)
        after = scored(trained.truth, packed, len(labels))
        found = agreement_of(before, after, labels, max_drop, least)
        unasked = f"recall of {trained.other}"
        drops = {name: drop for name, drop in found.drops.items() if drop.n or name != unasked}
        return found._replace(drops=drops)

    def with_labels(self, predicted: Predicted, labels: Sequence[str]) -> Predicted:
        places = [labels.index(label) for label in predicted.labels]
        answers = []
        for scores in predicted.answers:
            answer = [0.0] * len(labels)
            for place, score in zip(places, scores, strict=True):
                answer[place] = score
            answers.append(answer)
        truth = [places[index] for index in predicted.truth]
        return replace(predicted, labels=tuple(labels), truth=truth, answers=answers)

    def sample_outcomes(self, predicted: Predicted, threshold: float) -> list[SampleOutcome]:
        labels = predicted.labels
        best = scored(predicted.truth, predicted.answers, len(labels)).predicted.tolist()
        return [
            SampleOutcome(true == answered, labels[true], labels[answered], scores[answered])
            for true, answered, scores in zip(predicted.truth, best, predicted.answers, strict=True)
        ]
