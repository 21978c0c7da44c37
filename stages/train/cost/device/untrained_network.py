"""A network that nobody has taught yet, in the form in which it would be packed."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from stages.artifacts import Dataset, Model, canonical, digest_of
from stages.blobs.memory import MemoryBlobs
from stages.parts import ENGINES, MODALITIES, TASKS
from stages.runtime import steps
from stages.runtime.errors import Damaged, InfrastructureError, WorkflowError
from stages.runtime.quiet import quiet
from stages.settings import Settings
from stages.store import Store
from stages.train.cost.device.untrained_weights import Asked, arrays_of
from stages.train.heads.network import network_files
from stages.train.search.search_space import Input
from stages.train.sources import version_of

CODE = (
    "models/*.py",
    "deploy/engines/*.py",
    "deploy/exporters/*.py",
    "deploy/compressors/*.py",
    "train/cost/device/untrained_network.py",
    "train/cost/device/untrained_weights.py",
)
PACKAGES = ("paddlepaddle",)
WINDOWS = 8  # that set the ranges of int8: which they are moves no time and no size


class Packed(NamedTuple):
    """`network`: its files, `numeric`: its number format. `why`: why there is none."""

    network: Mapping[str, bytes] = {}
    numeric: str = ""
    why: str = ""


def packed(one: Input, asked: Asked, store: Store, settings: Settings) -> Packed:
    """The network of `one` as it would be packed, its head as large as the search may choose it;
    made once, for pictures of all sizes."""
    note = f"untrained/{_key(one, asked)}"
    known = store.noted(note)
    if known is not None:
        try:
            network = {name: store.get(digest) for name, digest in known["network"].items()}
            return Packed(network, known["numeric"], known["why"])
        except Damaged:
            pass  # lost: made anew
    made = _packed(one, asked, settings)
    digests = {name: store.add(data) for name, data in made.network.items()}
    store.note(note, {**made._asdict(), "network": digests})
    return made


def _key(one: Input, asked: Asked) -> str:
    size = 0 if one.begun.takes == "pictures" else one.size
    given = [one.family, size, one.weights, one.begun.digests, asdict(asked)]
    packages = (*PACKAGES, *ENGINES[asked.engine].tools)
    return digest_of(canonical([*given, version_of(CODE, packages)]))


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
    before = [step.model_dump() for step in made.before(one.begun, one.size, nothing)]
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
