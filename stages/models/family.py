"""What is known of a model family without opening Paddle: where it comes from, what it wants, what
it costs."""

from dataclasses import dataclass
from typing import Any

from stages.models.weights import Array, Published, published_tensors
from stages.runtime.errors import Damaged
from stages.runtime.registry import Registry


@dataclass(frozen=True)
class Family:
    """A trunk (pictures to features) with published weights.

    `size`: side of the square input in pixels that it is used with if nothing else is said, and
    `multiple` what every side must be a multiple of. `mean`, `std`: of a channel, pictures being
    0..1. `features`: numbers a picture becomes. `cost`: reference seconds for one picture at
    `size`, one core. `layers`: place of the function that builds the Paddle layer, `names`: of the
    one that gives each published tensor its name in that layer. `trainer`: name on the board
    TRAINERS; `takes`: pictures or sounds. A task uses the families of its trainer that take what
    its steps can give."""

    name: str
    paper: str
    licence: str
    weights: Published
    size: int
    multiple: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    features: int
    parameters: int
    cost: float
    layers: str
    names: str
    trainer: str = "heads"
    takes: str = "pictures"

    def trunk(self) -> Any:
        """A new Paddle layer, (N, 3, H, W) float32 to (N, features); its weights are random."""
        return _function(self.layers)(self.name)

    def load(self) -> dict[str, Array]:
        """The published weights, by their names in `trunk()`; every tensor is used once or named as
        spare.

        Raises Damaged if the file is not the published one, BackendMissing if its package is not
        installed."""
        rename = _function(self.names)
        found: dict[str, Array] = {}
        for name, array in published_tensors(self.weights).items():
            place = rename(name)
            if place in found:
                raise Damaged(f"Two published tensors of {self.name} belong to {place}.")
            if place is not None:
                found[place] = array
        return found

    def seconds(self, size: int) -> float:
        """Reference seconds for one picture of `size` by `size` pixels."""
        return self.cost * (size / self.size) ** 2


def _function(place: str) -> Any:
    return Registry("layer", "stages.models", {"it": place})["it"]
