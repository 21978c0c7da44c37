"""Predicts the boxes of pictures with a detector, through all steps, and measures their AP50."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import paddle

from stages.metrics.boxes import ap50
from stages.runtime import answers as kinds
from stages.runtime import steps as runtime
from stages.train.detection.detection_problem import DetectorInput
from stages.train.detection.frozen_stem import FrozenStem

Value = list[list[float]]


def answers_of(
    network: Any,
    stem: FrozenStem,
    detector_input: DetectorInput,
    files: Sequence[bytes],
    labels: Sequence[str],
) -> list[Value]:
    """The predictions of `network`, a Paddle layer, for picture `files`, as a package would give
    them: for each a list of boxes in pixels with label index and score."""
    kind = kinds.of({"answers": "boxes"})
    return [kind.value(_answer(network, stem, detector_input, data), labels) for data in files]


def ap50_of(truth: Sequence[Any], answers: Sequence[Value], labels: int) -> float:
    """AP50 of `answers` on the boxes of `truth` (as in `Scenes`) for so many `labels`; 0 if there
    is no true box."""
    return ap50([boxes.tolist() for boxes in truth], answers, labels)


def _answer(network: Any, stem: FrozenStem, detector_input: DetectorInput, data: bytes) -> Any:
    prepared = runtime.prepared(detector_input.before, data)
    with paddle.no_grad():
        outputs = network.unfrozen_layers(paddle.to_tensor(stem(prepared.windows)))
    arrays = tuple(output.numpy() for output in outputs)
    return np.asarray(runtime.run(detector_input.after, arrays, prepared.facts))
