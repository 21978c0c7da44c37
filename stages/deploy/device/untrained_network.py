"""An untrained network, in the form in which a trained one would be packed."""

from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from stages.artifacts import Dataset, Model
from stages.blobs.memory import MemoryBlobs
from stages.closure import Code, code_of
from stages.deploy.compressors import SIZED_AS
from stages.deploy.device.untrained_weights import NetworkSpec, arrays_of
from stages.memo import CachedContent
from stages.parts import ENGINES, MODALITIES, TASKS
from stages.resources import Resources
from stages.runtime import steps
from stages.runtime.errors import InfrastructureError, WorkflowError
from stages.runtime.quiet import quiet
from stages.store import Store
from stages.train.heads.network import network_files
from stages.train.search.search_space import Input

WINDOWS = 8  # that the engine answers, and that calibrate int8: time and size are those of any


class Packed(NamedTuple):
    """`network`: its files. `numeric`: its number format. `why`: why there is none."""

    network: Mapping[str, bytes] = {}
    numeric: str = ""
    why: str = ""


def packed(model_input: Input, spec: NetworkSpec, store: Store, resources: Resources) -> Packed:
    """The network of `model_input` as it would be packed, with the largest head that the search may
    choose, or why the engine does not run it; cached, and for images the same for all sizes.

    The engine runs it on WINDOWS samples beside Paddle, in float32: one that answers otherwise is a
    reason, too."""
    size = 0 if model_input.initialised_family.takes == "pictures" else model_input.size
    initial_weights = (model_input.weights, model_input.initialised_family.digests)
    key = ["untrained", model_input.family, size, *initial_weights, spec]

    def make() -> CachedContent:
        network = _packed(model_input, spec, resources)
        return CachedContent({"numeric": network.numeric, "why": network.why}, network.network)

    cached = store.memo(key, _code(model_input, spec), make)
    return Packed(cached.all_bytes, cached.facts["numeric"], cached.facts["why"])


def _code(model_input: Input, spec: NetworkSpec) -> Code:
    """The code that produces it, with the parts that it uses."""
    engine = ENGINES[spec.engine]
    parts = [model_input.family, spec.task, TASKS[spec.task].modality, *spec.ladder]
    return code_of(__name__, config=[*parts, engine.name, engine.exporter, engine.backend])


def _packed(model_input: Input, spec: NetworkSpec, resources: Resources) -> Packed:
    windows = windows_of(model_input, spec.task)
    with quiet(), TemporaryDirectory() as name:
        store = Store(MemoryBlobs(), Path(name))
        try:
            model = untrained_model(model_input, spec, store, resources)
            network = ENGINES[spec.engine].export(model, store, windows)
            return Packed(*_compressed(network, windows, spec))
        except InfrastructureError:
            raise  # not the network's fault
        except WorkflowError as error:
            return Packed(why=error.problem)


def windows_of(model_input: Input, task: str) -> NDArray[np.float32]:
    """Generated samples after the preprocessing of `model_input`, [n, ...]."""
    definition = TASKS[task]()
    no_samples = Dataset(task=task, labels=(), revision="", counts={})
    before = [
        step.model_dump()
        for step in definition.before(model_input.initialised_family, model_input.size, no_samples)
    ]
    golden = MODALITIES[definition.modality]().golden()
    parts = [steps.prepared(before, golden[name]).windows for name in sorted(golden)]
    windows: NDArray[np.float32] = np.concatenate(parts)[:WINDOWS].astype(np.float32)
    return windows


def _compressed(
    network: Mapping[str, bytes], windows: NDArray[np.float32], spec: NetworkSpec
) -> tuple[Mapping[str, bytes], str]:
    """`network` in the first number format of `deploy.ladder` that can be exported, as that is
    tried first when a trained one is packed."""
    engine, reason = ENGINES[spec.engine], ""
    for numeric in spec.ladder:
        try:
            engine.compressor(numeric)
            return engine.compress(network, SIZED_AS.get(numeric, numeric), [windows]), numeric
        except WorkflowError as error:
            reason = error.problem
    raise WorkflowError(f"No number format of deploy.ladder will do: {reason}")


def untrained_model(
    model_input: Input, spec: NetworkSpec, store: Store, resources: Resources
) -> Model:
    """A Model of which only the network is used."""
    arrays = arrays_of(model_input, spec, resources)
    return Model(
        task=spec.task,
        labels=(),
        family=model_input.family,
        input_shape=(),
        before=(),
        after=(),
        hyperparameters={},
        selection={},
        files=network_files(model_input.family, arrays, store),
    )
