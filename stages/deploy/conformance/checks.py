"""The checks that an engine has to pass, on networks of all families, beside the reference."""

import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

import stages
from stages.deploy.bench.costs import costs_of
from stages.deploy.compressors import SIZED_AS, CannotCompress
from stages.deploy.conformance.references import ReferenceNetwork
from stages.deploy.conformance.results import CheckResult, Comparison
from stages.deploy.engines import Engine, Network
from stages.runtime.backends import BACKENDS
from stages.runtime.errors import InfrastructureError, WorkflowError

LIMIT = 1e-3  # of the largest number of an output, in float32
SAME = 1e-4  # likewise, between answers of one engine to the same window
WHOLE = "float32"
CALLERS, CALLS = 4, 12
LOADS = 8  # that free their memory again
MOST_LEAKED = 0.5  # of the network's size, for each further load
# Opens a file that is damaged, in a process of its own: an engine may end it. 3: refused.
DAMAGED = """
import sys; sys.path.insert(0, sys.argv[1])
from pathlib import Path
from stages.runtime.backends import BACKENDS
from stages.runtime.errors import InfrastructureError
try: BACKENDS[sys.argv[2]](Path(sys.argv[3]))
except InfrastructureError: sys.exit(3)
"""


def compared(engine: Engine, reference: ReferenceNetwork, whole: bool = True) -> Comparison:
    """Run the checks of `engine` on the network of `reference`; with `whole` also those that depend
    on the engine more than on the network, every number format, and what the network costs."""
    comparison = Comparison(reference.name)
    with TemporaryDirectory() as name:
        folder = Path(name)
        try:
            network = engine.convert(reference.graphs, reference.windows)
            path = engine.place(network, folder)
            backend = BACKENDS[engine.backend](path)
            for check in CHECKS if whole else CHECKS[:1]:
                comparison.results.append(check(backend, reference))
            found = backend.run({backend.inputs[0]: reference.windows})
            comparison.differences = {WHOLE: difference(found, reference)}
            if whole:
                comparison.results += [check(engine, path, reference) for check in FILE_CHECKS]
                comparison.differences |= _numerics(engine, network, reference, folder)
                shape = reference.windows.shape[1:]
                comparison.costs = costs_of(path, engine.backend, WHOLE, shape).record
        except WorkflowError as error:
            comparison.problem = error.problem
    return comparison


def difference(found: Mapping[str, NDArray[Any]], reference: ReferenceNetwork) -> float:
    """The largest difference from the reference, as a share of the largest number of an output;
    infinite if a shape or a name differs."""
    if list(found) != list(reference.answers):
        return float("inf")
    shares = []
    for name, expected in reference.answers.items():
        if found[name].shape != expected.shape or not np.isfinite(found[name]).all():
            return float("inf")
        shares.append(float(np.abs(found[name] - expected).max()) / reference.scale[name])
    return max(shares)


def answers_as_the_reference(backend: Any, reference: ReferenceNetwork) -> CheckResult:
    """Names, order, shapes and numbers of the outputs."""
    found = backend.run({backend.inputs[0]: reference.windows})
    away = difference(found, reference)
    return CheckResult("numbers", away <= LIMIT, f"{away:.2g} away, {LIMIT} allowed")


def takes_any_batch(backend: Any, reference: ReferenceNetwork) -> CheckResult:
    """Windows alone, together, and alone again give the same answers."""
    (name,) = backend.inputs
    whole = backend.run({name: reference.windows})
    alone = [backend.run({name: window[None]}) for window in reference.windows]
    away = max(
        float(np.abs(np.concatenate([row[key] for row in alone]) - whole[key]).max())
        / reference.scale[key]
        for key in whole
    )
    return CheckResult("batches", away <= SAME, f"{away:.2g} between batches of 1 and all")


def answers_twice_equally(backend: Any, reference: ReferenceNetwork) -> CheckResult:
    """The same windows give the same numbers to the last bit."""
    first, second = (backend.run({backend.inputs[0]: reference.windows}) for _ in range(2))
    equal = all(np.array_equal(first[key], second[key]) for key in first)
    return CheckResult("repeated", equal, "equal" if equal else "not equal to the last bit")


def serves_callers_at_once(backend: Any, reference: ReferenceNetwork) -> CheckResult:
    """Threads that share it get the answers to their own windows."""
    (name,) = backend.inputs
    output = next(iter(reference.answers))

    def away(call: int) -> float:
        place = call % len(reference.windows)
        found = backend.run({name: reference.windows[place : place + 1]})[output]
        expected = reference.answers[output][place : place + 1]
        return float(np.abs(found - expected).max()) / reference.scale[output]

    with ThreadPoolExecutor(CALLERS) as pool:
        furthest = max(pool.map(away, range(CALLS)))
    return CheckResult("callers", furthest <= LIMIT, f"{furthest:.2g} away with {CALLERS} at once")


def refuses_wrong_inputs(backend: Any, reference: ReferenceNetwork) -> CheckResult:
    """An input of another name, or with twice as many channels, is told as an error."""
    (name,) = backend.inputs
    wrong: dict[str, dict[str, NDArray[Any]]] = {
        "name": {"another": reference.windows},
        "channels": {name: np.concatenate([reference.windows] * 2, axis=1)},
    }
    accepted = [what for what, inputs in wrong.items() if not _refused(backend, inputs)]
    return CheckResult("errors", not accepted, f"accepts wrong {' and '.join(accepted) or 'none'}")


def _refused(backend: Any, inputs: dict[str, NDArray[Any]]) -> bool:
    try:
        backend.run(inputs)
    except InfrastructureError:
        return True
    return False


CHECKS: tuple[Callable[[Any, ReferenceNetwork], CheckResult], ...] = (
    answers_as_the_reference,
    takes_any_batch,
    answers_twice_equally,
    serves_callers_at_once,
    refuses_wrong_inputs,
)


def threads_agree(engine: Engine, path: Path, reference: ReferenceNetwork) -> CheckResult:
    """Two threads give the answers of one."""
    backend = BACKENDS[engine.backend](path, threads=2)
    away = difference(backend.run({backend.inputs[0]: reference.windows}), reference)
    BACKENDS[engine.backend](path, threads=1)  # OpenCV has one number of threads for a process
    return CheckResult("threads", away <= LIMIT, f"{away:.2g} away with 2 threads")


def leaks(engine: Engine, path: Path, reference: ReferenceNetwork) -> CheckResult:
    """Loading a network and dropping it again does not take more memory each time."""
    size = sum((path.parent / file).stat().st_size for file in engine.files)
    for _ in range(2):
        BACKENDS[engine.backend](path)
    before = _resident()
    for _ in range(LOADS):
        BACKENDS[engine.backend](path)
    grown = max(_resident() - before, 0) / LOADS
    passed = grown <= max(MOST_LEAKED * size, 1e6)
    return CheckResult("memory", passed, f"{grown / 1e6:.1f} MB more for each load")


def _resident() -> int:
    """The memory of this process in bytes; 0 where that is not known."""
    try:
        pages = Path("/proc/self/statm").read_text().split()[1]
    except OSError:
        return 0
    return int(pages) * 4096


def refuses_damage(engine: Engine, path: Path, reference: ReferenceNetwork) -> CheckResult:
    """A file that was cut in half is refused, and the process goes on."""
    with TemporaryDirectory() as name:
        for file in engine.files:
            data = (path.parent / file).read_bytes()
            (Path(name) / file).write_bytes(data[: len(data) // 2])
        home = str(Path(stages.__file__).parents[1])
        arguments = [home, engine.backend, str(Path(name) / engine.files[0])]
        command = [sys.executable, "-c", DAMAGED, *arguments]
        code = subprocess.run(command, capture_output=True).returncode
    found = {0: "a file cut in half is loaded", 3: "a file cut in half is refused"}
    return CheckResult("damage", code == 3, found.get(code, f"it ends the process: code {code}"))


FILE_CHECKS: tuple[Callable[[Engine, Path, ReferenceNetwork], CheckResult], ...] = (
    threads_agree,
    leaks,
    refuses_damage,
)


def _numerics(
    engine: Engine, network: Network, reference: ReferenceNetwork, folder: Path
) -> Iterator[tuple[str, float]]:
    """The largest difference for each number format but float32 that the engine runs. One that has
    the operators of another shows nothing more of the engine, and takes minutes to make."""
    for numeric in (name for name in engine.compressors if name not in (WHOLE, *SIZED_AS)):
        try:
            compressed = engine.compress(network, numeric, [reference.windows])
        except CannotCompress:
            continue
        place = folder / numeric
        place.mkdir()
        backend = BACKENDS[engine.backend](engine.place(compressed, place), numeric=numeric)
        found = backend.run({backend.inputs[0]: reference.windows})
        yield numeric, difference(found, reference)
