"""Builds the network that is fine-tuned: the unfrozen layers of a backbone and its head, with all
parameters as one vector.

Batch norms keep the statistics of the published weights, since few samples would give worse ones.
Those of a backbone without published weights measure their own before every validation."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import paddle
from numpy.typing import NDArray
from paddle import nn

from stages.models.backbone_split import unfrozen_layers
from stages.models.network import fill as fill_by_name
from stages.models.network import head_of
from stages.models.weights import Array
from stages.runtime.quiet import quiet
from stages.train.distributed.flat_optimizer import AdamW, fill, flatten, value_per_element
from stages.train.finetune.finetune_problem import FinetuneCandidate, split_point_of

Floats = NDArray[np.float32]
PREDICTION_BATCH = 32  # windows that are predicted at a time


class TrainedWeights(NamedTuple):
    """The values of all parameters as one vector, and the statistics of batch norms that measure
    their own; None for others."""

    values: Floats
    statistics: Floats | None = None


class UnfrozenNetwork:
    """The layers of the backbone of `candidate` that `freeze` leaves unfrozen, with its initial
    weights, and a head with the arrays of `head`. `seed`: of Paddle's random numbers, which it sets
    for this process."""

    def __init__(
        self, candidate: FinetuneCandidate, freeze: str, head: Mapping[str, Array], seed: int
    ) -> None:
        family = candidate.input.initialised_family
        paddle.seed(seed)
        self.backbone, self.unfrozen = unfrozen_layers(
            family,
            candidate.published,
            split_point_of(candidate.input, freeze),
            narrowed=candidate.narrowed,
        )
        self.head = head_of(head)
        fill_by_name(self.head, {name.removeprefix("head."): head[name] for name in head})
        self.norms = BatchNorms(self.unfrozen, own_statistics=not family.frozen)
        layers = [*self.unfrozen.layers, self.head]
        self.groups = [[p for p in layer.parameters() if not p.stop_gradient] for layer in layers]
        self.parameters = [parameter for group in self.groups for parameter in group]

    @property
    def values(self) -> Floats:
        """All parameters as they are now, as one vector."""
        return flatten(self.parameters)

    def nonzero(self) -> Floats:
        """A vector laid out as `values`: 0 for weights of layers that are zero now, else 1. Biases
        and norms count as weights that are not."""
        parts = [
            (parameter.numpy() != 0).ravel()
            if len(parameter.shape) > 1
            else np.ones(parameter.size)
            for parameter in self.parameters
        ]
        mask: Floats = np.concatenate(parts).astype(np.float32)
        return mask

    def optimizer(self, layer_decay: float, weight_decay: float) -> AdamW:
        """A new AdamW in which the learning rate of each layer is `layer_decay` times that of the
        next layer, and biases and norms have no weight decay."""
        last = len(self.groups) - 1
        lr_multipliers = [
            layer_decay ** (last - k) for k, group in enumerate(self.groups) for _ in group
        ]
        decays = [weight_decay * (len(parameter.shape) > 1) for parameter in self.parameters]
        return AdamW.new(
            value_per_element(self.parameters, lr_multipliers),
            value_per_element(self.parameters, decays),
        )

    def logits(
        self, feature_maps: Any, dropout: float = 0.0, rng: np.random.Generator | None = None
    ) -> Any:
        """The logits of `feature_maps` [n, ...], as a Paddle tensor [n, labels]; with `rng`, a
        share of `dropout` of the features is dropped."""
        features = self.unfrozen(feature_maps)
        if rng is not None and dropout:
            mask = rng.random(features.shape, dtype=np.float32) >= dropout
            mask = mask.astype(np.float32) / np.float32(1 - dropout)
            features = features * paddle.to_tensor(mask)
        return self.head(features)

    def predict_logits(self, feature_maps: NDArray[np.float16]) -> list[Floats]:
        """The logits of `feature_maps` [n, ...] without dropout, in parts [m, labels], in order."""
        with paddle.no_grad():
            return [
                self.logits(
                    paddle.to_tensor(feature_maps[k : k + PREDICTION_BATCH].astype(np.float32))
                ).numpy()
                for k in range(0, len(feature_maps), PREDICTION_BATCH)
            ]

    def weights(
        self, mean: Floats, values: Floats, batches: Callable[[], Sequence[Any]]
    ) -> TrainedWeights:
        """The `mean` weights with the statistics of batch norms that learn, measured on the feature
        maps that `batches` gives. The network itself goes on with `values`."""
        if not self.norms.own_statistics:
            return TrainedWeights(mean)
        fill(self.parameters, mean)
        statistics = self.norms.measure_statistics(batches())
        fill(self.parameters, values)
        return TrainedWeights(mean, statistics)

    def use_weights(self, weights: TrainedWeights) -> None:
        """Set the weights of this network to `weights`. Batch norms that measure their own
        statistics switch to prediction if `weights` has some, else to training."""
        fill(self.parameters, weights.values)
        self.norms.use_statistics(weights.statistics)

    def arrays(self, temperature: float) -> dict[str, Floats]:
        """A copy of all weights, by the names of `backbone_and_head`; those of the last layer are
        divided by `temperature`, and so are the logits."""
        backbone = {
            f"backbone.{name}": tensor.numpy()
            for name, tensor in self.backbone.state_dict().items()
        }
        head = {f"head.{name}": tensor.numpy() for name, tensor in self.head.state_dict().items()}
        divisor = np.float32(temperature)
        scaled = {
            name: tensor / divisor for name, tensor in head.items() if name.startswith("head.out.")
        }
        return {name: tensor.copy() for name, tensor in (backbone | head | scaled).items()}


class BatchNorms:
    """The batch norms of the layers `unfrozen`, whose mode and momentum it sets. `own_statistics`:
    in training, each batch is normalised by its own statistics, and those for prediction are
    measured before each validation; else the published statistics are used throughout."""

    def __init__(self, unfrozen: Any, own_statistics: bool) -> None:
        self.unfrozen, self.own_statistics = unfrozen, own_statistics
        norms = [norm for norm in unfrozen.sublayers() if isinstance(norm, nn.BatchNorm2D)]
        for norm in norms:
            norm._momentum = 0.0  # its statistics are those of the last batch alone
        self.tensors = [part for norm in norms for part in (norm._mean, norm._variance)]
        unfrozen.eval()

    def train(self) -> None:
        """Switch to training; norms with published statistics stay in prediction."""
        if self.own_statistics:
            self.unfrozen.train()

    def use_statistics(self, statistics: Floats | None) -> None:
        """Switch to prediction with `statistics`, as `measure_statistics` returns them; if None,
        switch to training."""
        if statistics is not None:
            fill(self.tensors, statistics)
            self.unfrozen.eval()
        else:
            self.train()

    def recalibrate(self, batches: Sequence[Any]) -> None:
        """Replace the statistics by those that `batches` of feature maps have with the present
        weights, and switch to prediction, unless the norms measure their own anyway."""
        if not self.own_statistics:
            fill(self.tensors, self.measure_statistics(batches))
            self.unfrozen.eval()

    @quiet()  # Paddle warns of batch norms in training mode at every step
    def measure_statistics(self, batches: Sequence[Any]) -> Floats:
        """The means and variances of all norms as one vector, in the mean over `batches` of feature
        maps with the present weights; those that were gathered in training belong to earlier
        weights. Leaves the layers in training mode."""
        self.unfrozen.train()
        statistics = []
        with paddle.no_grad():
            for batch in batches:
                self.unfrozen(batch)
                statistics.append(flatten(self.tensors))
        mean: Floats = np.mean(statistics, axis=0, dtype=np.float32)
        return mean
