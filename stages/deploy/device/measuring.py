"""The cost of a network on a device, measured there in a process of its own and cached in the
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
from stages.deploy.device.machine import is_here, name_of, remote_device
from stages.deploy.remote.connection import RemoteDevice, figures_of, run_there
from stages.deploy.sdk import backend_sources
from stages.memo import CachedContent
from stages.resources import Resources
from stages.runtime.errors import ConfigError, WorkflowError
from stages.store import Store

TIMEOUT = 600  # seconds
DECIMALS = 3
MOST_PRINTED = 10_000  # bytes, by the program on a device
FIGURES = ("latency_ms_p95", "memory_mb")  # that it prints


class CannotRun(WorkflowError):
    """The package's engine does not support this graph."""


class Unmeasured(ConfigError):
    """The store has no measurements of that device for this network."""


def measured(
    name: str,
    network: Mapping[str, bytes],
    numeric: str,
    shape: Sequence[int],
    profile: str,
    engine: Any,
    *,
    store: Store,
    resources: Resources,
) -> DeviceCost:
    """The cost of `network` (its files) for one window of `shape` when `engine`, a record of the
    registry ENGINES, runs it on the device of `profile`; cached in `store`.

    Raises CannotRun if the engine does not support the network, Unmeasured if this is not the
    device, it is none that was added, and it has not been measured there; DeviceLost if it was
    added and cannot be reached."""
    place = name_of(profile, resources)
    key = ["device figures", network, list(shape), place, engine.backend, engine.measure]
    device = remote_device(profile, resources)

    def make() -> CachedContent:
        if device:
            return CachedContent(_measure_there(device, network, numeric, shape, engine))
        if not is_here(profile, resources):
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
        figures = _run_child(graph, numeric, shape, engine)
    return {name: round(value, DECIMALS) for name, value in figures.items()}


def _measure_there(
    device: RemoteDevice,
    network: Mapping[str, bytes],
    numeric: str,
    shape: Sequence[int],
    engine: Any,
) -> dict[str, float]:
    """As `_measure`, on a device that is reached over ssh, with the runtime of this machine."""
    files = {f"network/{name}": data for name, data in network.items()}
    files |= backend_sources("stages/runtime", engine.backend)
    program = Path(str(find_spec(engine.measure).origin))  # type: ignore[union-attr]
    files |= {"stages/__init__.py": b"", "program.py": program.read_bytes()}
    graph = f"{{folder}}/network/{engine.files[0]}"
    arguments = [
        "{folder}/program.py",
        "{folder}",
        engine.backend,
        graph,
        numeric,
        *map(str, shape),
    ]
    done = run_there(device, files, arguments, TIMEOUT, MOST_PRINTED)
    if any(error in done.err for error in ("BackendMissing", "ModuleNotFoundError")):
        raise ConfigError(
            f"Device {device.name}: {engine.name} does not run there: {done.message}.",
            f"Install {', '.join(('numpy', *engine.libraries))} for {device.python} there.",
        )
    if done.why or done.code:
        raise CannotRun(f"On {device.name}: {done.why or _error_message(done.err, done.code)}")
    figures = figures_of(device, done, FIGURES)
    return {name: round(value, DECIMALS) for name, value in figures.items()}


def _run_child(graph: Path, numeric: str, shape: Sequence[int], engine: Any) -> dict[str, float]:
    """The measurements that the engine's measuring program prints for the network at `graph`."""
    return printed_figures(engine.measure, engine.backend, graph, numeric, *shape)


def printed_figures(module: str, *arguments: object) -> dict[str, float]:
    """The JSON that the measuring program `module` prints, called with the folder of the runtime
    and `arguments` in a process of its own. Raises CannotRun."""
    home = str(Path(stages.__file__).parents[1])
    program = str(find_spec(module).origin)  # type: ignore[union-attr]
    command = [sys.executable, "-I", program, home, *map(str, arguments)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT)
    except subprocess.TimeoutExpired:
        raise CannotRun(f"Measuring it took more than {TIMEOUT} seconds.") from None
    if done.returncode:
        raise CannotRun(_error_message(done.stderr, done.returncode))
    figures: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return figures


def _error_message(stderr: str, code: int) -> str:
    """The message of the last error in the child's `stderr`, and the code that it ended with."""
    lines = [line for line in stderr.splitlines() if line.strip()]
    errors = [line for line in lines if "Error: " in line]
    message = errors[-1] if errors else "It ended without an error message"
    return f"{message.partition('Error: ')[2] or message} (code {code})"


def _unmeasured(name: str, profile: str) -> Unmeasured:
    return Unmeasured(
        f"train.device.profile: the store has no measurements of '{profile}' for {name}.",
        f"Add it: aiwf device add {profile} user@host. Or run `aiwf plan` with this pipeline on "
        f"that device, with this store and AIWF_DEVICE set to '{profile}', or leave the profile "
        "out to measure here.",
    )
