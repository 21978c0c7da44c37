"""What a network costs on a device, measured there in a process of its own and kept in the
store."""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import stages
from stages.artifacts import canonical, digest_of
from stages.config.device import Measured
from stages.runtime.errors import ConfigError, WorkflowError
from stages.settings import Settings
from stages.store import Store
from stages.train.device.machine import is_here, name_of
from stages.train.sources import version_of

CHILD = Path(__file__).with_name("child.py")
CODE = (
    "train/device/child.py",
    "runtime/backends/onnxruntime.py",
    "runtime/backends/sums.py",
    "runtime/processor.py",
)
PATIENCE = 600  # seconds
DECIMALS = 3


class CannotRun(WorkflowError):
    """The engine of the package does not take this graph."""


class Unmeasured(ConfigError):
    """The store has no figures of that device for this network."""


def measured(
    name: str,
    network: bytes,
    numeric: str,
    shape: Sequence[int],
    profile: str,
    *,
    store: Store,
    settings: Settings,
) -> Measured:
    """What `network` (an ONNX file) costs for one window of `shape` on the device of `profile`;
    what was measured there before is found again.

    Raises CannotRun if the engine does not take it, Unmeasured if the device is not this one and
    did not measure it."""
    note = f"device/{_key(network, shape, profile)}"
    figures = store.noted(note)
    if figures is None:
        if not is_here(profile, settings):
            raise _unmeasured(name, profile)
        figures = _measure(network, numeric, shape)
        store.note(note, figures)
    size = round(len(network) / 1e6, DECIMALS)
    return Measured(input=name, numeric=numeric, size_mb=size, **figures)


def _key(network: bytes, shape: Sequence[int], profile: str) -> str:
    code = version_of(CODE, ("onnxruntime", "numpy"))
    return digest_of(canonical([digest_of(network), list(shape), name_of(profile), code]))


def _measure(network: bytes, numeric: str, shape: Sequence[int]) -> dict[str, float]:
    with TemporaryDirectory() as folder:
        graph = Path(folder) / "graph.onnx"
        graph.write_bytes(network)
        said = _said(graph, numeric, shape)
    return {name: round(value, DECIMALS) for name, value in said.items()}


def _said(graph: Path, numeric: str, shape: Sequence[int]) -> dict[str, float]:
    home = str(Path(stages.__file__).parents[1])
    command = [sys.executable, "-I", str(CHILD), home, str(graph), numeric]
    command += map(str, shape)
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        raise CannotRun(f"To measure it took more than {PATIENCE} seconds.") from None
    if done.returncode:
        raise CannotRun(_why(done.stderr))
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def _why(said: str) -> str:
    """The problem that the child ended with."""
    lines = [line for line in said.splitlines() if line.strip()]
    told = next((line for line in reversed(lines) if "Error: " in line), "It ended without a word.")
    return told.partition("Error: ")[2] or told


def _unmeasured(name: str, profile: str) -> Unmeasured:
    return Unmeasured(
        f"train.device.profile: the store has no figures of '{profile}' for {name}.",
        "Run `aiwf plan` with this pipeline on that device, with this store and AIWF_DEVICE set "
        f"to '{profile}', or leave the profile out to measure here.",
    )
