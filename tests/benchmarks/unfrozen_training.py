"""The training loop of `workers.py`: unfrozen layers trained by several workers; in a file of its
own, as workers import it."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from stages.parts import FAMILIES
from stages.resources import Resources
from stages.train.distributed import TrainContext
from stages.train.distributed.batch_shards import shard, sum_over_shards
from stages.train.distributed.flat_optimizer import AdamW, fill, flatten

FAMILY, SPLIT_POINT, SIDE, BATCH, STEPS, LABELS = "efficientnet_lite0", 6, 224, 32, 20, 5
SHARDS, RATE, SAMPLES = 2, 5e-4, 64


def cached_features(resources: Resources) -> dict[str, Any]:
    """Cached feature maps of 64 pictures of noise at the split point, and labels for them."""
    import paddle

    from stages.models.backbone_split import frozen_stem

    family = FAMILIES[FAMILY]
    layer = frozen_stem(family, family.load(resources), SPLIT_POINT)
    rng = np.random.default_rng(0)
    pictures = rng.normal(size=(SAMPLES, 3, SIDE, SIDE)).astype(np.float32)
    with paddle.no_grad():
        parts = [layer(paddle.to_tensor(some)).numpy() for some in np.split(pictures, 4)]
    labels = rng.integers(0, LABELS, SAMPLES)
    return {"feature_maps": np.concatenate(parts).astype(np.float16), "labels": labels}


@dataclass
class UnfrozenNetwork:
    """The layers behind the split point with a new head; batch norms keep their published
    statistics."""

    layer: Any
    head: Any

    @classmethod
    def new(cls) -> "UnfrozenNetwork":
        import paddle

        from stages.models.backbone_split import unfrozen_layers

        paddle.seed(0)
        family = FAMILIES[FAMILY]
        _, layer = unfrozen_layers(family, family.load(None), SPLIT_POINT)
        return cls(layer, paddle.nn.Linear(family.features, LABELS))

    @property
    def tensors(self) -> list[Any]:
        both = [*self.layer.parameters(), *self.head.parameters()]
        return [parameter for parameter in both if not parameter.stop_gradient]

    def gradient(self, cached: dict[str, Any], rows: Any) -> Any:
        """The gradient of the summed loss of `rows` as a flat vector, with the loss appended."""
        import paddle

        window = paddle.to_tensor(cached["feature_maps"][rows].astype(np.float32))
        targets = paddle.to_tensor(cached["labels"][rows])
        logits = self.head(self.layer(window))
        loss = paddle.nn.functional.cross_entropy(logits, targets, reduction="sum")
        loss.backward()
        flat = flatten([parameter.grad for parameter in self.tensors])
        for parameter in self.tensors:
            parameter.clear_gradient()
        return np.append(flat, np.float32(loss))


def train(context: TrainContext, cached: dict[str, Any]) -> None:
    """Train for 20 steps of one global batch each; report the losses and, for the last 19 steps,
    the wall time and the processor time of the busiest core."""
    network = UnfrozenNetwork.new()
    tensors = network.tensors
    values = flatten(tensors)
    adam = AdamW.new(np.ones_like(values), np.zeros_like(values))
    losses = []
    for step in range(STEPS):
        if step == 1:
            began, worked = time.perf_counter(), time.process_time()
        rows = np.random.default_rng([1, step]).permutation(SAMPLES)[:BATCH]
        summed = sum_over_shards(
            context.group,
            SHARDS,
            lambda number, rows=rows: network.gradient(cached, shard(rows, number, SHARDS)),
        )
        values = adam.step(values, summed[:-1] / BATCH, RATE)
        fill(tensors, values)
        losses.append(float(summed[-1]) / BATCH)
    seconds = time.perf_counter() - began
    core = max(context.group.gather(time.process_time() - worked))
    report = {"losses": losses, "seconds": seconds, "core": core, "world": context.group.world}
    context.report({**report, "size": values.size}, lambda folder: _nothing(folder))


def _nothing(folder: Path) -> None:
    (folder / "done").touch()
