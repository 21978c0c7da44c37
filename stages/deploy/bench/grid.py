"""The networks of a package in every engine and number format that is installed here.

They are made from the trained model if the store has it; of a package without its model, only what
its own file can be converted to."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from stages.artifacts import Model, Ref
from stages.config import DeployConfig, DeploySlice
from stages.deploy import calibration
from stages.deploy.compressors import CannotCompress
from stages.deploy.engines import Engine, Network, missing_libraries
from stages.deploy.exporters.onnx import GRAPH, NATIVE
from stages.deploy.workbench import Workbench
from stages.parts import ENGINES
from stages.runtime.errors import WorkflowError
from stages.store import Store
from stages.tracking import QuietRun

WHOLE = "float32"
NUMERICS = (WHOLE, "float16", "int8")


class Variant(NamedTuple):
    """The network in one `engine` and `numeric`; without a `network`, `why` there is none."""

    engine: str
    numeric: str
    network: Network | None = None
    why: str = ""


class ExportedNetwork(NamedTuple):
    """What the variants are made from. `graphs`: a folder with the exported network (see
    `Exporter.convert`); `windows`: preprocessed samples that calibrate int8, [n, ...]."""

    graphs: Path
    windows: NDArray[np.float32]


def variants(
    folder: Path, description: Mapping[str, Any], store: Store, engines: Sequence[str] = ()
) -> Iterator[Variant]:
    """The network of the package in `folder`, described by `description`, in each of `engines`, or
    in all."""
    with _source(folder, description, store) as source:
        for name in engines or ENGINES:
            engine: Engine = ENGINES[name]
            missing = missing_libraries(engine)
            if missing:
                yield Variant(name, "", why=f"not installed here: {', '.join(missing)}")
            elif source is None:
                yield from _own_file(folder, description, engine)
            else:
                yield from _converted(engine, source)


def _converted(engine: Engine, source: ExportedNetwork) -> Iterator[Variant]:
    try:
        whole = engine.convert(source.graphs, source.windows)
    except WorkflowError as error:
        yield Variant(engine.name, "", why=error.problem)
        return
    for numeric in dict.fromkeys([*NUMERICS, *engine.compressors]):
        try:
            batches = calibration.batches(source.windows)
            yield Variant(engine.name, numeric, engine.compress(whole, numeric, batches))
        except CannotCompress as error:
            yield Variant(engine.name, numeric, why=error.problem)


def _own_file(folder: Path, description: Mapping[str, Any], engine: Engine) -> Iterator[Variant]:
    """The package's own network, if `engine` reads it."""
    numeric = description["numeric"]
    if engine.format != description["format"]:
        why = f"the package has {description['format']}, and its model is not in this store"
        yield Variant(engine.name, "", why=why)
    elif numeric in engine.cannot:
        yield Variant(engine.name, numeric, why=engine.cannot[numeric])
    else:
        files = {name: (folder / name).read_bytes() for name in engine.files}
        yield Variant(engine.name, numeric, files)


@contextmanager
def _source(
    folder: Path, description: Mapping[str, Any], store: Store
) -> Iterator[ExportedNetwork | None]:
    """The exported network of the package's model, or its own file in float32; None without."""
    with TemporaryDirectory() as name:
        graphs = Path(name)
        work = _workbench(description, store)
        if work is not None:
            exported = work.exported()
            (graphs / GRAPH).write_bytes(exported[work.engine.files[0]])
            for file in NATIVE:
                (graphs / file).write_bytes(store.get(work.model.files[file]))
            samples = calibration.chosen(work.dataset, store, work.config.deploy.calibration)
            yield ExportedNetwork(graphs, calibration.prepared(work.model, samples, store))
        elif (description["format"], description["numeric"]) == ("onnx", WHOLE):
            (graphs / GRAPH).write_bytes((folder / description["model"]).read_bytes())
            yield ExportedNetwork(graphs, _random_windows(description))
        else:
            yield None


def _workbench(description: Mapping[str, Any], store: Store) -> Workbench | None:
    """What the package was made with; None if the store lacks some of it."""
    parents = description.get("made_of", {})
    refs = [Ref(kind, parents.get(kind, "")) for kind in ("model", "report", "dataset")]
    if not all(ref.id and store.holds(ref) for ref in refs):
        return None
    model, report, dataset = map(store.load, refs)
    assert isinstance(model, Model)  # noqa: S101 - for the type checker
    config = DeploySlice(name=description["name"], target="device_sdk", deploy=DeployConfig())
    return Workbench(model, report, dataset, config, store, QuietRun())


def _random_windows(description: Mapping[str, Any]) -> NDArray[np.float32]:
    shape = (4, *description["input_shape"])
    return np.random.default_rng(0).standard_normal(shape).astype(np.float32)
