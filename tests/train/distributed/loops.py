"""A tiny network for a process group; in a file of its own, as workers have to import it."""

import json
import os
import signal
import time
from pathlib import Path
from typing import Any

import numpy as np

from stages.models.arrays import pack_arrays, unpack_arrays
from stages.runtime.errors import DataError
from stages.train.distributed import TrainContext
from stages.train.distributed.batch_shards import shard, sum_over_shards
from stages.train.distributed.flat_optimizer import AdamW, fill, flatten

STEPS, BATCH, SHARDS = 20, 16, 2


class Stopped(Exception):
    """A loop was ended from within."""


def shared(**changes: Any) -> dict[str, Any]:
    """64 rows of 12 numbers, each with one of 3 labels."""
    rng = np.random.default_rng(7)
    rows = rng.normal(size=(64, 12)).astype(np.float32)
    return {"rows": rows, "labels": rng.integers(0, 3, 64), "shards": SHARDS, **changes}


def train_tiny_network(context: TrainContext, config: dict[str, Any]) -> None:
    """20 steps of AdamW; after every fifth a checkpoint, and a report in any case."""
    import paddle

    paddle.seed(3)
    layers = [paddle.nn.Linear(12, 16), paddle.nn.Tanh(), paddle.nn.Linear(16, 3)]
    network = paddle.nn.Sequential(*layers)
    tensors = network.parameters()
    drawn = np.random.default_rng(1).normal(0, 0.3, sum(tensor.size for tensor in tensors))
    values = drawn.astype(np.float32)
    adam = AdamW.new(np.ones_like(values), np.zeros_like(values))
    first = 0
    folder = context.restored()
    if folder:
        state = unpack_arrays((folder / "state.npz").read_bytes())
        first, values = int(state["step"]), state["values"]
        adam.first, adam.second, adam.steps = state["first"], state["second"], first
    config.get("start_steps", []).append(first)
    if "log" in config and context.group.rank == 0:
        with Path(config["log"]).open("a") as log:
            log.write(f"{first}\n")
    for step in range(first, STEPS):
        if step == config.get("stops"):
            raise Stopped
        rows = np.random.default_rng([5, step]).permutation(64)[:BATCH]
        fill(tensors, values)

        def gradient(number: int, rows: Any = rows) -> Any:
            return _gradient(network, tensors, config, shard(rows, number, config["shards"]))

        *summed, loss = sum_over_shards(context.group, config["shards"], gradient)
        values = adam.step(values, np.array(summed, np.float32) / BATCH, 0.03)

        def save(to: Path, step: int = step, values: Any = values) -> None:
            arrays = {"first": adam.first, "second": adam.second, "values": values}
            (to / "state.npz").write_bytes(pack_arrays({**arrays, "step": np.array(step + 1)}))

        if step in config.get("dies", {}).get(context.group.rank, ()):
            _die_once(Path(config["mark"]), step)
        time.sleep(config.get("pause", 0))
        report = {"step": step, "loss": float(loss) / BATCH, "world": context.group.world}
        context.report(report, save if step % 5 == 4 else None)


def _gradient(network: Any, tensors: Any, config: dict[str, Any], rows: Any) -> Any:
    import paddle

    logits = network(paddle.to_tensor(config["rows"][rows]))
    labels = paddle.to_tensor(config["labels"][rows])
    loss = paddle.nn.functional.cross_entropy(logits, labels, reduction="sum")
    loss.backward()
    flat = np.concatenate([flatten([tensor.grad for tensor in tensors]), loss.numpy().reshape(1)])
    for tensor in tensors:
        tensor.clear_gradient()
    return flat


def _die_once(mark: Path, step: int) -> None:
    """kill -9 of this very process, at each step once."""
    done = json.loads(mark.read_text()) if mark.exists() else []
    if step not in done:
        mark.write_text(json.dumps([*done, step]))
        os.kill(os.getpid(), signal.SIGKILL)


def complains(context: TrainContext, config: dict[str, Any]) -> None:
    """Raise what only a person can mend."""
    raise DataError("There is no label 7.", "Take it out.")
