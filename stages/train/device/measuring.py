"""What a network costs on this machine, measured in a process of its own and kept in the store."""

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import stages
from stages.artifacts import canonical, digest_of
from stages.config.device import Measured
from stages.runtime.errors import WorkflowError
from stages.store import Store
from stages.train.device.machine import name_of
from stages.train.sources import version_of

CHILD = Path(__file__).with_name("child.py")
CODE = ("train/device/child.py", "runtime/backends/onnxruntime.py")
PATIENCE = 600  # seconds
DECIMALS = 3


class CannotRun(WorkflowError):
    """The engine of the package does not take this graph."""


def measured(
    name: str, network: bytes, numeric: str, shape: Sequence[int], profile: str, store: Store
) -> Measured:
    """What `network` (an ONNX file) costs for one window of `shape`; what was measured before on
    the device of `profile` is found again.

    Raises CannotRun if the engine does not take it."""
    key = {
        "network": digest_of(network),
        "shape": list(shape),
        "code": version_of(CODE, ("onnxruntime", "numpy")),
    }
    figures = remembered(store, key, profile, lambda: _measure(network, shape))
    size = round(len(network) / 1e6, DECIMALS)
    return Measured(input=name, numeric=numeric, size_mb=size, **figures)


def remembered(
    store: Store, key: dict[str, Any], profile: str, make: Callable[[], dict[str, Any]]
) -> dict[str, Any]:
    """What was noted for `key` on the device of `profile`; else what `make` gives, noted now."""
    name = f"device/{digest_of(canonical({**key, 'device': name_of(profile)}))}"
    known: dict[str, Any] | None = store.noted(name)
    if known is None:
        known = make()
        store.note(name, known)
    return known


def _measure(network: bytes, shape: Sequence[int]) -> dict[str, float]:
    with TemporaryDirectory() as folder:
        graph = Path(folder) / "graph.onnx"
        graph.write_bytes(network)
        said = _said(graph, shape)
    return {name: round(value, DECIMALS) for name, value in said.items()}


def _said(graph: Path, shape: Sequence[int]) -> dict[str, float]:
    home = str(Path(stages.__file__).parents[1])
    command = [sys.executable, "-I", str(CHILD), home, str(graph), *map(str, shape)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        raise CannotRun(f"65 windows of {tuple(shape)} took more than {PATIENCE} s.") from None
    if done.returncode:
        last = [line for line in done.stderr.splitlines() if line.strip()][-1:]
        raise CannotRun(f"ONNX Runtime does not run it: {' '.join(last)}")
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found
