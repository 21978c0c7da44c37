"""The networks that engines are compared on: every model family, with random weights.

Random, and not the published weights, as these have to be fetched."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from stages.closure import code_of
from stages.deploy.device.untrained_network import untrained_model, windows_of
from stages.deploy.device.untrained_weights import NetworkSpec
from stages.deploy.exporters.onnx import GRAPH, NATIVE, export_graph
from stages.memo import CachedContent
from stages.models.family import SCRATCH
from stages.parts import FAMILIES, TASKS
from stages.resources import Resources
from stages.store import Store
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
            model = untrained_model(input_of(family), spec, store, resources)
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
