"""The network that is fine-tuned: the unfrozen layers of a backbone and its head, with all
parameters as one vector.

Batch norms keep the statistics of the published weights, since few samples would give worse ones.
Those of a backbone without weights learn their own, and have them measured before every
validation."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import paddle
from numpy.typing import NDArray

from stages.models.backbone_split import unfrozen_layers
from stages.models.network import fill as fill_by_name
from stages.models.network import head_of
from stages.models.weights import Array
from stages.train.distributed.flat_optimizer import AdamW, fill, flatten, spread
from stages.train.finetune.batch_norms import Norms
from stages.train.finetune.finetune_problem import FinetuneCandidate, split_point_of

Floats = NDArray[np.float32]
PREDICTED_AT_ONCE = 32  # windows


class TrainedWeights(NamedTuple):
    """The values of all parameters, and the statistics of batch norms that have their own."""

    values: Floats
    statistics: Floats | None = None


class UnfrozenNetwork:
    """The layers of `candidate` behind `freeze`, and a head with the arrays of `head`; random
    numbers are drawn by `seed`."""

    def __init__(
        self, candidate: FinetuneCandidate, freeze: str, head: Mapping[str, Array], seed: int
    ) -> None:
        family = candidate.input.initialised_family
        paddle.seed(seed)
        self.backbone, self.unfrozen = unfrozen_layers(
            family, candidate.published, split_point_of(candidate.input, freeze)
        )
        self.head = head_of(head)
        fill_by_name(self.head, {name.removeprefix("head."): head[name] for name in head})
        self.norms = Norms(self.unfrozen, learn=not family.frozen)
        layers = [*self.unfrozen.layers, self.head]
        self.groups = [[p for p in layer.parameters() if not p.stop_gradient] for layer in layers]
        self.parameters = [parameter for group in self.groups for parameter in group]

    @property
    def values(self) -> Floats:
        """All parameters as they are now, as one vector."""
        return flatten(self.parameters)

    def optimizer(self, layer_decay: float, weight_decay: float) -> AdamW:
        """AdamW in which a layer's learning rate is `layer_decay` times that of the layer behind
        it; biases and norms have no weight decay."""
        last = len(self.groups) - 1
        lr_multipliers = [
            layer_decay ** (last - k) for k, group in enumerate(self.groups) for _ in group
        ]
        decays = [weight_decay * (len(parameter.shape) > 1) for parameter in self.parameters]
        return AdamW.new(spread(self.parameters, lr_multipliers), spread(self.parameters, decays))

    def logits(
        self, feature_maps: Any, dropout: float = 0.0, rng: np.random.Generator | None = None
    ) -> Any:
        """Logits of `feature_maps` [n, ...]; with `rng`, dropout of a share `dropout` of the
        features."""
        features = self.unfrozen(feature_maps)
        if rng is not None and dropout:
            mask = rng.random(features.shape, dtype=np.float32) >= dropout
            mask = mask.astype(np.float32) / np.float32(1 - dropout)
            features = features * paddle.to_tensor(mask)
        return self.head(features)

    def predict_logits(self, feature_maps: NDArray[np.float16]) -> list[Floats]:
        """Logits of `feature_maps` [n, ...] without dropout, in several parts."""
        with paddle.no_grad():
            return [
                self.logits(
                    paddle.to_tensor(feature_maps[k : k + PREDICTED_AT_ONCE].astype(np.float32))
                ).numpy()
                for k in range(0, len(feature_maps), PREDICTED_AT_ONCE)
            ]

    def weights(
        self, mean: Floats, values: Floats, batches: Callable[[], Sequence[Any]]
    ) -> TrainedWeights:
        """The `mean` weights with the statistics of batch norms that learn, measured on the feature
        maps that `batches` gives. The network itself goes on with `values`."""
        if not self.norms.learn:
            return TrainedWeights(mean)
        fill(self.parameters, mean)
        statistics = self.norms.measured(batches())
        fill(self.parameters, values)
        return TrainedWeights(mean, statistics)

    def use_weights(self, weights: TrainedWeights) -> None:
        """Predict with `weights`."""
        fill(self.parameters, weights.values)
        self.norms.use_statistics(weights.statistics)

    def arrays(self, temperature: float) -> dict[str, Floats]:
        """All weights by the names of `backbone_and_head`, logits divided by `temperature`."""
        backbone = {
            f"backbone.{name}": tensor.numpy()
            for name, tensor in self.backbone.state_dict().items()
        }
        head = {f"head.{name}": tensor.numpy() for name, tensor in self.head.state_dict().items()}
        warm = np.float32(temperature)
        cooled = {
            name: tensor / warm for name, tensor in head.items() if name.startswith("head.out.")
        }
        return {name: tensor.copy() for name, tensor in (backbone | head | cooled).items()}
