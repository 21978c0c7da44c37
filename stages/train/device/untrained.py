"""A network that nobody has taught yet, in the form in which it would be packed."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stages.artifacts import Dataset, Model
from stages.blobs.memory import MemoryBlobs
from stages.models.weights import Array
from stages.parts import COMPRESSORS, EXPORTERS, FAMILIES, MEDIA, TASKS
from stages.runtime import steps
from stages.runtime.errors import WorkflowError
from stages.settings import Settings
from stages.store import Store
from stages.train.network import network_files
from stages.train.space import Input

EXPORTER = "onnx"
WINDOWS = 8  # that set the ranges of int8: which they are moves no time and no size


@dataclass(frozen=True)
class Asked:
    """What decides the size of a network beside its family: how many labels, and the units of the
    largest head that the search may choose (0: none hidden), which is the mean of `folds` heads."""

    task: str
    labels: int
    hidden: int
    folds: int
    ladder: tuple[str, ...]


def windows_of(one: Input, task: str) -> NDArray[np.float32]:
    """Generated samples as the network of `one` sees them, [n, ...]."""
    made = TASKS[task]()
    nothing = Dataset(task=task, labels=(), revision="", counts={})
    before = [step.model_dump() for step in made.before(FAMILIES[one.family], one.size, nothing)]
    golden = MEDIA[made.medium]().golden()
    parts = [steps.prepared(before, golden[name]).windows for name in sorted(golden)]
    windows: NDArray[np.float32] = np.concatenate(parts)[:WINDOWS].astype(np.float32)
    return windows


def packed(one: Input, asked: Asked, settings: Settings) -> tuple[bytes, str]:
    """The network of `one` as a file, and its number format: the first of the ladder that its graph
    can be brought into.

    Raises WorkflowError if ONNX lacks an operator of it, or the file answers otherwise."""
    windows = windows_of(one, asked.task)
    with TemporaryDirectory() as name:
        folder = Path(name)
        store = Store(MemoryBlobs(), folder)
        graph = folder / "graph.onnx"
        EXPORTERS[EXPORTER]().export(_model(one, asked, store, settings), store, windows, graph)
        return _compressed(graph, windows, asked.ladder)


def _compressed(
    graph: Path, windows: NDArray[np.float32], ladder: Sequence[str]
) -> tuple[bytes, str]:
    out, told = graph.with_name("packed.onnx"), ""
    for numeric in ladder:
        try:
            COMPRESSORS[numeric]().compress(graph, [windows], out)
        except WorkflowError as error:  # the next rung may do, as when it is packed
            told = error.problem
            continue
        return out.read_bytes(), numeric
    raise WorkflowError(f"No number format of deploy.ladder will do: {told}")


def _model(one: Input, asked: Asked, store: Store, settings: Settings) -> Model:
    """A Model of which only the network is looked at."""
    arrays = arrays_of(one, asked, settings)
    return Model(
        task=asked.task,
        labels=(),
        family=one.family,
        input_shape=(),
        before=(),
        after=(),
        hyperparameters={},
        selection={},
        files=network_files(one.family, arrays, store),
    )


def arrays_of(one: Input, asked: Asked, settings: Settings) -> dict[str, Array]:
    """Weights of the network of `one`: those that are published, and random ones."""
    import paddle

    paddle.seed(0)
    family = one.begun
    if family.whole:
        return _numbers(family.new(asked.labels))
    if not family.layers:
        return _from_scratch(one, asked)
    published = family.load(settings) or _numbers(family.trunk())
    trunk = {f"trunk.{name}": array for name, array in published.items()}
    return {**trunk, **_head(family.features, asked)}


def _from_scratch(one: Input, asked: Asked) -> dict[str, Array]:
    """Of the folds' networks side by side, which learn their own features."""
    from stages.models.small_audio_layers import HIDDEN, Trunk

    trunk = _numbers(Trunk(asked.folds, one.size, bool(asked.hidden), apart=False))
    features = asked.folds * HIDDEN
    return {f"trunk.{name}": each for name, each in trunk.items()} | _out(features, asked.labels)


def _head(features: int, asked: Asked) -> dict[str, Array]:
    if not asked.hidden:
        return _out(features, asked.labels)
    wide = asked.hidden * asked.folds
    hidden = {"head.hidden.weight": _random(features, wide), "head.hidden.bias": _random(wide)}
    return {**hidden, **_out(wide, asked.labels)}


def _out(features: int, labels: int) -> dict[str, Array]:
    return {"head.out.weight": _random(features, labels), "head.out.bias": _random(labels)}


def _random(*shape: int) -> Array:
    drawn: Array = np.random.default_rng(0).normal(0, 0.05, shape).astype(np.float32)
    return drawn


def _numbers(layer: Any) -> dict[str, Array]:
    return {name: value.numpy() for name, value in layer.state_dict().items()}
