"""A network that nobody has taught yet, in the form in which it would be packed."""

from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from stages.artifacts import Dataset, Model
from stages.blobs.memory import MemoryBlobs
from stages.closure import Code, code_of
from stages.memo import CachedContent
from stages.parts import ENGINES, MODALITIES, TASKS
from stages.runtime import steps
from stages.runtime.errors import InfrastructureError, WorkflowError
from stages.runtime.quiet import quiet
from stages.settings import Settings
from stages.store import Store
from stages.train.cost.device.untrained_weights import Asked, arrays_of
from stages.train.heads.network import network_files
from stages.train.search.search_space import Input

WINDOWS = 8  # that set the ranges of int8: which they are moves no time and no size


class Packed(NamedTuple):
    """`network`: its files, `numeric`: its number format. `why`: why there is none."""

    network: Mapping[str, bytes] = {}
    numeric: str = ""
    why: str = ""


def packed(one: Input, asked: Asked, store: Store, settings: Settings) -> Packed:
    """The network of `one` as it would be packed, its head as large as the search may choose it;
    made once, for pictures of all sizes."""
    size = 0 if one.initialised_family.takes == "pictures" else one.size
    key = ["untrained", one.family, size, one.weights, one.initialised_family.digests, asked]

    def make() -> CachedContent:
        made = _packed(one, asked, settings)
        return CachedContent({"numeric": made.numeric, "why": made.why}, made.network)

    found = store.memo(key, _code(one, asked), make)
    return Packed(found.all_bytes, found.facts["numeric"], found.facts["why"])


def _code(one: Input, asked: Asked) -> Code:
    """The code that makes it, of the parts that take part in that."""
    engine = ENGINES[asked.engine]
    parts = [one.family, asked.task, TASKS[asked.task].modality, *asked.ladder]
    return code_of(__name__, config=[*parts, engine.name, engine.exporter, engine.backend])


def _packed(one: Input, asked: Asked, settings: Settings) -> Packed:
    windows = windows_of(one, asked.task)
    with quiet(), TemporaryDirectory() as name:
        apart = Store(MemoryBlobs(), Path(name))
        try:
            model = _model(one, asked, apart, settings)
            network = ENGINES[asked.engine].export(model, apart, windows)
            return Packed(*_compressed(network, windows, asked))
        except InfrastructureError:
            raise  # not the network's fault
        except WorkflowError as error:
            return Packed(why=error.problem)


def windows_of(one: Input, task: str) -> NDArray[np.float32]:
    """Generated samples as the network of `one` sees them, [n, ...]."""
    made = TASKS[task]()
    nothing = Dataset(task=task, labels=(), revision="", counts={})
    before = [step.model_dump() for step in made.before(one.initialised_family, one.size, nothing)]
    golden = MODALITIES[made.modality]().golden()
    parts = [steps.prepared(before, golden[name]).windows for name in sorted(golden)]
    windows: NDArray[np.float32] = np.concatenate(parts)[:WINDOWS].astype(np.float32)
    return windows


def _compressed(
    network: Mapping[str, bytes], windows: NDArray[np.float32], asked: Asked
) -> tuple[Mapping[str, bytes], str]:
    """`network` in the first number format of `deploy.ladder` that can be made, as that is tried
    first when a trained one is packed."""
    reason = ""
    for numeric in asked.ladder:
        try:
            return ENGINES[asked.engine].compress(network, numeric, [windows]), numeric
        except WorkflowError as error:
            reason = error.problem
    raise WorkflowError(f"No number format of deploy.ladder will do: {reason}")


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
