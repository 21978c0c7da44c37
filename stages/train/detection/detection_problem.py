"""Holds the data of a search over detectors: scenes, and for each input its frozen stem and
steps."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from stages.train.detection.scenes import Scenes
from stages.train.search.search_space import Input


@dataclass(frozen=True)
class DetectorInput:
    """One input of the search. `model_input`: a family at a size; `stem`: its frozen stem as an
    ONNX file; `before`, `after`: the steps before and after the network; `seconds`: of one core of
    the reference machine, to train on one picture once."""

    model_input: Input
    stem: bytes
    before: tuple[dict[str, Any], ...]
    after: tuple[dict[str, Any], ...]
    seconds: float

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

    def steps(self, batch: int) -> int:
        """The number of steps of an epoch, which trains on every scene, with `batch` scenes a
        step."""
        return -(-len(self.scenes.training) // batch)

    @property
    def nbytes(self) -> int:
        """Bytes of scenes and weights."""
        arrays = [array for weights in self.published.values() for array in weights.values()]
        return self.scenes.nbytes + sum(int(array.nbytes) for array in arrays)
