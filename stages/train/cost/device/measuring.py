"""What a network costs on a device, measured there in a process of its own and kept in the
store."""

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import stages
from stages.closure import code_of
from stages.config.device import DeviceCost
from stages.memo import CachedContent
from stages.runtime.errors import ConfigError, WorkflowError
from stages.settings import Settings
from stages.store import Store
from stages.train.cost.device.machine import is_here, name_of

PATIENCE = 600  # seconds
DECIMALS = 3


class CannotRun(WorkflowError):
    """The engine of the package does not take this graph."""


class Unmeasured(ConfigError):
    """The store has no figures of that device for this network."""


def measured(
    name: str,
    network: Mapping[str, bytes],
    numeric: str,
    shape: Sequence[int],
    profile: str,
    engine: Any,
    *,
    store: Store,
    settings: Settings,
) -> DeviceCost:
    """What `network` (its files) costs for one window of `shape` when `engine`, a record of the
    board ENGINES, runs it on the device of `profile`; what was measured before is found again.

    Raises CannotRun if the engine does not take it, Unmeasured if the device is not this one and
    did not measure it."""
    key = ["device figures", network, list(shape), name_of(profile), engine.backend, engine.measure]

    def make() -> CachedContent:
        if not is_here(profile, settings):
            raise _unmeasured(name, profile)
        return CachedContent(_measure(network, numeric, shape, engine))

    figures = store.memo(key, code_of(engine.measure, config=[engine.backend]), make).facts
    size = round(sum(map(len, network.values())) / 1e6, DECIMALS)
    return DeviceCost(input=name, numeric=numeric, size_mb=size, **figures)


def _measure(
    network: Mapping[str, bytes], numeric: str, shape: Sequence[int], engine: Any
) -> dict[str, float]:
    with TemporaryDirectory() as folder:
        graph = engine.place(network, Path(folder))
        figures = _printed(graph, numeric, shape, engine)
    return {name: round(value, DECIMALS) for name, value in figures.items()}


def _printed(graph: Path, numeric: str, shape: Sequence[int], engine: Any) -> dict[str, float]:
    """What the engine's measuring program prints of the network at `graph`."""
    home = str(Path(stages.__file__).parents[1])
    program = str(find_spec(engine.measure).origin)  # type: ignore[union-attr]
    command = [sys.executable, "-I", program, home, engine.backend, str(graph), numeric]
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
