"""What a detector says of pictures that it was not taught with, through all steps, and how good
that is."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import paddle

from stages.metrics.boxes import ap50
from stages.runtime import answers as kinds
from stages.runtime import steps as runtime
from stages.train.detection.detection_problem import Asked
from stages.train.detection.frozen_stem import Front

Value = list[list[float]]


def answers_of(
    network: Any, front: Front, asked: Asked, files: Sequence[bytes], labels: Sequence[str]
) -> list[Value]:
    """What `network` says of each of `files`, as a package would tell it: boxes in pixels."""
    kind = kinds.of({"answers": "boxes"})
    return [kind.value(_answer(network, front, asked, data), labels) for data in files]


def measured(truth: Sequence[Any], answers: Sequence[Value], labels: int) -> float:
    """AP50 of `answers`; 0 if there is no true box."""
    return ap50([one.tolist() for one in truth], answers, labels)


def _answer(network: Any, front: Front, asked: Asked, data: bytes) -> Any:
    prepared = runtime.prepared(asked.before, data)
    with paddle.no_grad():
        outputs = network.unfrozen_layers(paddle.to_tensor(front(prepared.windows)))
    given = tuple(one.numpy() for one in outputs)
    return np.asarray(runtime.run(asked.after, given, prepared.facts))
