"""Holds the data of a search over detectors: scenes, and for each input its frozen stem and
steps."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from stages.models.family import Family
from stages.train.detection.scenes import Scenes
from stages.train.search.search_space import Input

TINY = 1e-9  # of a step, by which rounding may exceed a whole number


@dataclass(frozen=True)
class DetectorInput:
    """One input of the search. `model_input`: a family at a size; `family`: that family, with prior
    boxes of the sizes of the training data; `stem`: its frozen stem as an ONNX file; `before`,
    `after`: the steps before and after the network; `seconds`: of one core of the reference
    machine, to train on one picture once; `passes`: of an epoch, how often it goes through the
    training split."""

    model_input: Input
    family: Family
    stem: bytes
    before: tuple[dict[str, Any], ...]
    after: tuple[dict[str, Any], ...]
    seconds: float
    passes: float

    @property
    def after_picture(self) -> tuple[dict[str, Any], ...]:
        """The steps from a resized picture to the network's input."""
        names = [step["step"] for step in self.before]
        return self.before[names.index("resize") + 1 :]


@dataclass(frozen=True)
class DetectionProblem:
    """The data that all workers share. `labels`: the names of label indices; `inputs`: by name;
    `published`: the initial weights of the backbones, by family and name; `epochs`: of a complete
    training."""

    scenes: Scenes
    labels: tuple[str, ...]
    inputs: Mapping[str, DetectorInput]
    published: Mapping[str, Mapping[str, Any]]
    epochs: int

    def steps(self, input_name: str, batch: int) -> int:
        """The number of steps of an epoch of the input `input_name`, with `batch` scenes a step.
        Every scene is trained on at least once."""
        scenes = len(self.scenes.training) * self.inputs[input_name].passes
        return max(1, math.ceil(scenes / batch - TINY))

    @property
    def nbytes(self) -> int:
        """Bytes of scenes and weights."""
        arrays = [array for weights in self.published.values() for array in weights.values()]
        return self.scenes.nbytes + sum(int(array.nbytes) for array in arrays)
