"""One search's question: the scenes, and for each input its frozen front and steps."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from stages.train.detection.scenes import Scenes
from stages.train.search.search_space import Input


@dataclass(frozen=True)
class Asked:
    """A family at a size: `front`, its frozen front as ONNX; the steps `before` and `after`;
    `seconds`: reference seconds to teach one picture once, on one core."""

    one: Input
    front: bytes
    before: tuple[dict[str, Any], ...]
    after: tuple[dict[str, Any], ...]
    seconds: float

    @property
    def after_picture(self) -> tuple[dict[str, Any], ...]:
        """The steps from a resized picture to the network's input."""
        names = [step["step"] for step in self.before]
        return self.before[names.index("resize") + 1 :]


@dataclass(frozen=True)
class Problem:
    """`asked`: by the input's name. `published`: the backbones' arrays by family. `epochs`: of a
    whole teaching."""

    scenes: Scenes
    labels: tuple[str, ...]
    asked: Mapping[str, Asked]
    published: Mapping[str, Mapping[str, Any]]
    epochs: int

    def steps(self, batch: int) -> int:
        """Steps of an epoch: every scene is shown in it."""
        return -(-len(self.scenes.taught) // batch)

    @property
    def nbytes(self) -> int:
        arrays = [array for one in self.published.values() for array in one.values()]
        return self.scenes.nbytes + sum(int(array.nbytes) for array in arrays)
