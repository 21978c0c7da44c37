"""The networks that engines are compared on: every model family, with random weights.

Random, and not the published weights, as these have to be fetched; and drawn so that the input
still matters at the output, as with a layer's default weights it would not in a deep network."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from stages.artifacts import Model
from stages.closure import code_of
from stages.deploy.device.untrained_network import windows_of
from stages.deploy.device.untrained_weights import NetworkSpec, arrays_of
from stages.deploy.exporters.onnx import GRAPH, NATIVE, export_graph
from stages.memo import CachedContent
from stages.models.family import SCRATCH
from stages.models.weights import Array
from stages.parts import FAMILIES, TASKS
from stages.resources import Resources
from stages.store import Store
from stages.train.heads.network import network_files
from stages.train.search.search_space import Input

LABELS = 7


@contextmanager
def reference_network(family: str, store: Store, resources: Resources) -> Iterator[Path]:
    """A folder with the network of `family`: graph.onnx, graph.json, graph.pdiparams. Cached."""
    spec = NetworkSpec(
        task=task_of(family), labels=LABELS, hidden=0, folds=1, ladder=(), engine="onnxruntime"
    )

    def make() -> CachedContent:
        with TemporaryDirectory() as name:
            model = _random_model(family, spec, store, resources)
            export_graph(model, store, windows_of(input_of(family), spec.task), Path(name))
            files = {file: (Path(name) / file).read_bytes() for file in (GRAPH, *NATIVE)}
            return CachedContent(files=files)

    code = code_of(__name__, config=[family, spec.task, TASKS[spec.task].modality, "onnx"])
    content = store.memo(["reference network", family, LABELS], code, make)
    with TemporaryDirectory() as name:
        for file, data in content.all_bytes.items():
            (Path(name) / file).write_bytes(data)
        yield Path(name)


def task_of(family: str) -> str:
    """A task that `family` can be trained for."""
    found = FAMILIES[family]
    return next(
        name
        for name in TASKS
        if TASKS[name].trainer == found.trainer and TASKS[name].modality == found.takes
    )


def input_of(family: str, size: int = 0) -> Input:
    """The input of `family`, with random weights, at `size`; its own if that is 0."""
    return Input(family, size or FAMILIES[family].size, SCRATCH if FAMILIES[family].weights else "")


def _random_model(family: str, spec: NetworkSpec, store: Store, resources: Resources) -> Model:
    arrays = arrays_of(input_of(family), spec, resources)
    rng = np.random.default_rng(0)
    drawn = {name: _drawn(name, arrays[name], rng) for name in sorted(arrays)}
    return Model(
        task=spec.task,
        labels=(),
        family=family,
        input_shape=(),
        before=(),
        after=(),
        hyperparameters={},
        selection={},
        files=network_files(family, drawn, store),
    )


def _drawn(name: str, array: Array, rng: np.random.Generator) -> Array:
    """Random numbers in place of `array`, which keep the size of what flows through the layer
    (K. He et al. 2015, arXiv 1502.01852); statistics of batch normalization near 0 and 1."""
    kind = name.rpartition(".")[2]
    if kind == "_mean":
        values = rng.normal(0, 0.1, array.shape)
    elif kind == "_variance":
        values = rng.uniform(0.7, 1.4, array.shape)
    elif kind == "weight" and array.ndim >= 2:
        inputs = np.prod(array.shape[1:]) if array.ndim > 2 else array.shape[0]
        values = rng.normal(0, np.sqrt(2 / inputs), array.shape)
    else:
        return array
    return values.astype(np.float32)
