"""The network that phase two teaches: the tail of a backbone and its head, their numbers one
vector.

Batch norms keep the statistics of the published weights, which few samples would only blur; those
of a backbone without weights learn their own, and are told them anew before anybody judges."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import paddle
from numpy.typing import NDArray

from stages.models.backbone_split import unfrozen_layers
from stages.models.network import fill as fill_by_name
from stages.models.network import head_of
from stages.models.weights import Array
from stages.train.distributed.flat_optimizer import AdamW, fill, flattened, spread
from stages.train.finetune.batch_norms import Norms
from stages.train.finetune.finetune_problem import Finalist, cut_of

Floats = NDArray[np.float32]
AT_ONCE = 32  # windows that are judged together


class Learnt(NamedTuple):
    """The values of all parameters, and the statistics of batch norms if they have their own."""

    values: Floats
    statistics: Floats | None = None


class Network:
    """What of `finalist` is behind `freeze`, with `head`'s arrays as it begins; random numbers are
    drawn by `seed`."""

    def __init__(
        self, finalist: Finalist, freeze: str, head: Mapping[str, Array], seed: int
    ) -> None:
        family = finalist.one.begun
        paddle.seed(seed)
        self.backbone, self.tail = unfrozen_layers(
            family, finalist.published, cut_of(finalist.one, freeze)
        )
        self.head = head_of(head)
        fill_by_name(self.head, {name.removeprefix("head."): head[name] for name in head})
        self.norms = Norms(self.tail, learn=not family.frozen)
        layers = [*self.tail.layers, self.head]
        self.groups = [[p for p in one.parameters() if not p.stop_gradient] for one in layers]
        self.parameters = [one for group in self.groups for one in group]

    @property
    def values(self) -> Floats:
        """Of all parameters, as they are now."""
        return flattened(self.parameters)

    def optimizer(self, layer_decay: float, weight_decay: float) -> AdamW:
        """Each layer before the head is taught by `layer_decay` more slowly than the one behind
        it; biases and norms do not decay."""
        last = len(self.groups) - 1
        paces = [layer_decay ** (last - k) for k, group in enumerate(self.groups) for _ in group]
        decays = [weight_decay * (len(one.shape) > 1) for one in self.parameters]
        return AdamW.new(spread(self.parameters, paces), spread(self.parameters, decays))

    def logits(
        self, maps: Any, dropout: float = 0.0, rng: np.random.Generator | None = None
    ) -> Any:
        """Of `maps` [n, ...]; with `rng`, the share `dropout` of features is left out."""
        features = self.tail(maps)
        if rng is not None and dropout:
            kept = rng.random(features.shape, dtype=np.float32) >= dropout
            kept = kept.astype(np.float32) / np.float32(1 - dropout)
            features = features * paddle.to_tensor(kept)
        return self.head(features)

    def said(self, maps: NDArray[np.float16]) -> list[Floats]:
        """The logits of `maps` [n, ...] as they are, some at a time."""
        with paddle.no_grad():
            return [
                self.logits(paddle.to_tensor(maps[k : k + AT_ONCE].astype(np.float32))).numpy()
                for k in range(0, len(maps), AT_ONCE)
            ]

    def learnt(self, mean: Floats, values: Floats, shown: Callable[[], Sequence[Any]]) -> Learnt:
        """The `mean` weights, and what batch norms that learn have to know with them: that is told
        by the maps that `shown` gives. Goes on with `values`."""
        if not self.norms.learn:
            return Learnt(mean)
        fill(self.parameters, mean)
        statistics = self.norms.measured(shown())
        fill(self.parameters, values)
        return Learnt(mean, statistics)

    def become(self, learnt: Learnt) -> None:
        """Answer with what was `learnt`."""
        fill(self.parameters, learnt.values)
        self.norms.become(learnt.statistics)

    def arrays(self, temperature: float) -> dict[str, Floats]:
        """All of it by the names of `backbone_and_head`, logits divided by `temperature`."""
        backbone = {
            f"backbone.{name}": one.numpy() for name, one in self.backbone.state_dict().items()
        }
        head = {f"head.{name}": one.numpy() for name, one in self.head.state_dict().items()}
        warm = np.float32(temperature)
        cooled = {name: one / warm for name, one in head.items() if name.startswith("head.out.")}
        return {name: one.copy() for name, one in (backbone | head | cooled).items()}
