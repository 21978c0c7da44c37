"""All that is found out about a set of predictions, whoever made them."""

import json
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stages.artifacts import Measure
from stages.config import EvaluateConfig
from stages.evaluate.advice import advice
from stages.evaluate.groups import Groups, groups, worse
from stages.evaluate.mistakes import Mistake, Pair, mistakes, pairs
from stages.evaluate.predictions import Predicted
from stages.evaluate.reasons import on_threshold, reasons
from stages.evaluate.verdict import Judgement, Verdict, judge, verdict
from stages.metrics import Curve, Measured, Threshold, curves, measure, recommended, thresholds

Unseen = tuple[NDArray[np.int64], NDArray[np.floating[Any]]]  # truth (indices), scores


@dataclass(frozen=True)
class Evaluation:
    """`threshold` is the recommended one, at which `precision` of the answers are to be right;
    `apart` if it was chosen on other samples than those that are measured."""

    predicted: Predicted
    measured: Measured
    judgements: tuple[Judgement, ...]
    verdict: Verdict
    reasons: tuple[str, ...]
    advice: tuple[str, ...]
    thresholds: tuple[Threshold, ...]
    threshold: float
    apart: bool
    precision: float
    curves: dict[str, Curve]
    mistakes: tuple[Mistake, ...]
    pairs: tuple[Pair, ...]
    groups: Groups

    @property
    def chosen(self) -> Threshold:
        """What the recommended threshold gains and costs."""
        return next(one for one in self.thresholds if one.threshold == self.threshold)

    @property
    def threshold_says(self) -> str:
        return on_threshold(self.chosen, self.precision, self.apart)

    def record(self) -> bytes:
        """Everything measured, as JSON for people and programs."""
        facts = {
            "labels": self.predicted.labels,
            "verdict": self.verdict,
            "reasons": self.reasons,
            "advice": self.advice,
            "gates": [one._asdict() for one in self.judgements],
            "overall": self.measured.overall,
            "per_label": self.measured.labels,
            "confusion": self.measured.confusion,
            "thresholds": [one._asdict() for one in self.thresholds],
            "threshold": {"recommended": self.threshold, "precision": self.precision},
            "threshold_says": self.threshold_says,
            "groups": self.groups,
            "curves": {label: one._asdict() for label, one in self.curves.items()},
            "mistakes": [{**one._asdict(), "suspicious": one.suspicious} for one in self.mistakes],
        }
        text = json.dumps(facts, indent=1, sort_keys=True, ensure_ascii=False, default=_plain)
        return f"{text}\n".encode()


def evaluated(
    predicted: Predicted,
    config: EvaluateConfig,
    tested: float = 1.0,
    unseen: Unseen | None = None,
) -> Evaluation:
    """Measure and judge `predicted`. `tested` is the share of all photos that is tested on;
    `unseen` are samples on which the threshold is chosen, so that the test split chooses nothing.

    Raises DataError if there is nothing to measure, ConfigError for a gate on an unknown label."""
    truth, scores = predicted.truth, predicted.scores
    held = unseen or (truth, scores)
    measured = measure(truth, scores, predicted.labels)
    judgements = judge(config.gate, measured)
    wrong = mistakes(predicted)
    confused = pairs(measured.confusion, predicted.labels)
    grouped = groups(predicted)
    weak = worse(grouped, measured.overall["accuracy"])
    return Evaluation(
        predicted=predicted,
        measured=measured,
        judgements=tuple(judgements),
        verdict=verdict(judgements),
        reasons=tuple(reasons(judgements)),
        advice=tuple(advice(measured, judgements, wrong, confused, weak, tested)),
        thresholds=tuple(thresholds(truth, scores, 0.01)),
        threshold=recommended(held[0], held[1], config.precision),
        apart=unseen is not None,
        precision=config.precision,
        curves=curves(truth, scores, predicted.labels),
        mistakes=tuple(wrong),
        pairs=tuple(confused),
        groups=grouped,
    )


def _plain(value: Any) -> Any:
    if isinstance(value, Measure):
        return value.model_dump()
    raise TypeError(f"{value!r} has no place in metrics.json")
