"""An evaluation as JSON, for metrics.json."""

import json
from typing import Any

from stages.artifacts import Measure
from stages.evaluate.evaluation import Evaluation


def recorded(evaluation: Evaluation, **details: Any) -> bytes:
    """The JSON of `evaluation` and of the `details` of its kind; reproducible byte by byte."""
    facts = {
        "labels": evaluation.predicted.labels,
        "verdict": evaluation.verdict,
        "minimum_set": evaluation.minimum,
        "reasons": evaluation.reasons,
        "advice": evaluation.advice,
        "gates": [judgement._asdict() for judgement in evaluation.judgements],
        "overall": evaluation.measured.overall,
        "per_label": evaluation.measured.labels,
        "confusion": evaluation.measured.confusion,
        "thresholds": [row._asdict() for row in evaluation.thresholds],
        "threshold": {
            "recommended": evaluation.threshold or None,  # 0 leaves nothing out: that is no advice
            "precision": evaluation.precision,
        },
        "sure": {
            "from": evaluation.sure.least,
            "precision_wanted": evaluation.sure.precision,
            "precision": evaluation.sure.right,
            "share": evaluation.sure.share,
            "best": evaluation.sure.best,
            "summary": evaluation.sure.summary,
        },
        "threshold_summary": evaluation.threshold_summary,
        "curves": {label: curve._asdict() for label, curve in evaluation.curves.items()},
        **({"held_out": evaluation.comparison.record} if evaluation.comparison else {}),
        **details,
    }
    text = json.dumps(facts, indent=1, sort_keys=True, ensure_ascii=False, default=_plain)
    return f"{text}\n".encode()


def _plain(value: Any) -> Any:
    if isinstance(value, Measure):
        return value.model_dump()
    raise TypeError(f"{value!r} has no place in metrics.json")
