"""AP50 and AP50:95 by faster-coco-eval, a maintained COCO evaluator that equals pycocotools."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stages.metrics.boxes.matching import MOST, OVERLAPS

Numbers = NDArray[np.float64]


def coco_precisions(truth: Sequence[Any], answers: Sequence[Any], labels: int) -> Numbers:
    """Average precision by overlap and label, [10, labels], of boxes as in `matching.matches`; NaN
    for a label without a true box."""
    from faster_coco_eval import COCO, COCOeval_faster

    if not any(len(boxes) for boxes in truth):
        return np.full((len(OVERLAPS), labels), np.nan)
    ground_truth = COCO(_ground_truth(truth, labels), print_function=_nothing)
    detections = (
        ground_truth.loadRes(_detections(answers))
        if any(map(len, answers))
        else COCO(_ground_truth([], labels))
    )
    evaluator = COCOeval_faster(ground_truth, detections, iouType="bbox", print_function=_nothing)
    evaluator.params.maxDets = [MOST]
    evaluator.params.areaRng, evaluator.params.areaRngLbl = [[0, 1e10]], ["all"]
    evaluator.evaluate()
    evaluator.accumulate()
    precision = np.asarray(evaluator.eval["precision"])[:, :, :, 0, 0].mean(axis=1)
    return np.where(precision < 0, np.nan, precision)


def _ground_truth(truth: Sequence[Any], labels: int) -> dict[str, Any]:
    """`truth` in COCO's format; ids are counted from 1."""
    rows = [(image, row) for image, boxes in enumerate(truth, 1) for row in boxes]
    return {
        "images": [{"id": image} for image in range(1, len(truth) + 1)],
        "categories": [{"id": label, "name": str(label)} for label in range(1, labels + 1)],
        "annotations": [
            {"id": number, "image_id": image, "iscrowd": 0, **_box(row), "area": _area(row)}
            for number, (image, row) in enumerate(rows, 1)
        ],
    }


def _detections(answers: Sequence[Any]) -> list[dict[str, Any]]:
    return [
        {"image_id": image, "score": float(row[4]), **_box([*row[:4], row[5]])}
        for image, boxes in enumerate(answers, 1)
        for row in boxes
    ]


def _box(row: Sequence[float]) -> dict[str, Any]:
    left, top, right, bottom, label = map(float, row)
    return {"category_id": int(label) + 1, "bbox": [left, top, right - left, bottom - top]}


def _area(row: Sequence[float]) -> float:
    return float((row[2] - row[0]) * (row[3] - row[1]))


def _nothing(*_: object) -> None:
    """Suppress the evaluator's messages."""
