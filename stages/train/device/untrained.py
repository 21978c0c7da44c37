"""A network that nobody has taught yet, in the form in which it would be packed."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from stages.artifacts import Dataset, Model, canonical, digest_of
from stages.blobs.memory import MemoryBlobs
from stages.models.weights import Array
from stages.parts import COMPRESSORS, EXPORTERS, MEDIA, TASKS
from stages.runtime import steps
from stages.runtime.errors import Damaged, InfrastructureError, WorkflowError
from stages.settings import Settings
from stages.store import Store
from stages.train.network import network_files
from stages.train.sources import version_of
from stages.train.space import Input

CODE = (
    "models/*.py",
    "deploy/exporters/*.py",
    "deploy/compressors/*.py",
    "train/device/untrained.py",
)
PACKAGES = ("paddlepaddle", "paddle2onnx", "onnx", "onnxruntime")
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


class Packed(NamedTuple):
    """`network`: an ONNX file, `numeric`: its number format, `shape`: of one window. `why`: why
    there is none."""

    network: bytes = b""
    numeric: str = ""
    shape: tuple[int, ...] = ()
    why: str = ""


def packed(one: Input, asked: Asked, store: Store, settings: Settings) -> Packed:
    """The network of `one` as it would be packed, its head as large as the search may choose it;
    made once."""
    key = [one.name, one.weights, one.begun.digests, asked.task, asked.labels, asked.hidden]
    rest = [asked.folds, *asked.ladder, version_of(CODE, PACKAGES)]
    note = f"untrained/{digest_of(canonical([*key, *rest]))}"
    known = store.noted(note)
    if known is not None:
        try:
            network = store.get(known["network"]) if known["network"] else b""
            return Packed(network, known["numeric"], tuple(known["shape"]), known["why"])
        except Damaged:
            pass  # lost: made anew
    made = _packed(one, asked, settings)
    store.note(note, {**made._asdict(), "network": _kept(made.network, store)})
    return made


def _kept(network: bytes, store: Store) -> str:
    return store.add(network) if network else ""


def _packed(one: Input, asked: Asked, settings: Settings) -> Packed:
    windows = windows_of(one, asked.task)
    with TemporaryDirectory() as name:
        folder = Path(name)
        apart, graph = Store(MemoryBlobs(), folder), folder / "graph.onnx"
        try:
            EXPORTERS[EXPORTER]().export(_model(one, asked, apart, settings), apart, windows, graph)
            network, numeric = _compressed(graph, windows, asked.ladder)
        except InfrastructureError:
            raise  # not the network's fault
        except WorkflowError as error:
            return Packed(why=error.problem)
    return Packed(network, numeric, windows.shape[1:])


def windows_of(one: Input, task: str) -> NDArray[np.float32]:
    """Generated samples as the network of `one` sees them, [n, ...]."""
    made = TASKS[task]()
    nothing = Dataset(task=task, labels=(), revision="", counts={})
    before = [step.model_dump() for step in made.before(one.begun, one.size, nothing)]
    golden = MEDIA[made.medium]().golden()
    parts = [steps.prepared(before, golden[name]).windows for name in sorted(golden)]
    windows: NDArray[np.float32] = np.concatenate(parts)[:WINDOWS].astype(np.float32)
    return windows


def _compressed(
    graph: Path, windows: NDArray[np.float32], ladder: Sequence[str]
) -> tuple[bytes, str]:
    """In the first number format of `ladder` that can be made, as it is tried first when it is
    packed."""
    out, told = graph.with_name("packed.onnx"), ""
    for numeric in ladder:
        try:
            COMPRESSORS[numeric]().compress(graph, [windows], out)
        except WorkflowError as error:
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
    """Weights of the network of `one`: those that its trunk begins with, and random ones."""
    import paddle

    paddle.seed(0)
    family = one.begun
    if family.whole:
        return _numbers(family.new(asked.labels))
    if not family.layers:
        return _from_scratch(one, asked)
    trunk = {f"trunk.{name}": array for name, array in family.load(settings).items()}
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
