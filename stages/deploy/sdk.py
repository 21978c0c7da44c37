"""The runtime's own sources, which every package carries a copy of."""

from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

from stages import runtime
from stages.runtime import (
    __main__,
    backends,
    commands,
    errors,
    limits,
    pictures,
    predictor,
    problems,
    quiet,
    registry,
    sealed,
    selftest,
    server,
    service_docs,
    service_metrics,
    steps,
)
from stages.runtime.backends import onnxruntime, paddle_inference

# Named one by one, so that a change in any of them counts as a change of what deploy makes.
CORE: tuple[ModuleType, ...] = (
    runtime,
    __main__,
    backends,
    commands,
    errors,
    pictures,
    predictor,
    quiet,
    registry,
    sealed,
    selftest,
    steps,
)
SERVER: tuple[ModuleType, ...] = (server, limits, problems, service_docs, service_metrics)
ENGINES: dict[str, ModuleType] = {"onnxruntime": onnxruntime, "paddle": paddle_inference}
HOME = Path(runtime.__path__[0])


def sources(folder: str, backend: str, extra: Sequence[ModuleType] = ()) -> dict[str, bytes]:
    """The runtime's files under `folder`, with the one engine that is needed."""
    found = [Path(str(one.__file__)) for one in (*CORE, *extra, ENGINES[backend])]
    return {f"{folder}/{path.relative_to(HOME).as_posix()}": path.read_bytes() for path in found}
