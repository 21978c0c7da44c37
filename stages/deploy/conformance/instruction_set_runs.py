"""An engine on emulated processors: it answers there as the reference, and adds 8-bit products as
it states."""

import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

import stages
from stages.deploy.conformance import answer_program, probe
from stages.deploy.conformance.checks import LIMIT, WHOLE, difference
from stages.deploy.conformance.references import ReferenceNetwork
from stages.deploy.emulated_processors import EmulatedProcessor
from stages.deploy.engines import Engine, Network
from stages.runtime.backends.sums import Sums
from stages.runtime.errors import BackendMissing, InfrastructureError, WorkflowError

NATIVE, EMULATED = "native", "emulated"
NETWORK = "small_audio"  # the family that is run there: emulators are slow
PATIENCE = 900  # seconds; an emulator compiles the whole library while it runs


@dataclass(frozen=True)
class SetRun:
    """What an engine did on a processor of an instruction set. `how`: native or emulated.
    `difference`: the largest from the reference in float32, as a share of the largest number of an
    output. `lost`: the share of the largest sums that int8 loses; None without int8. `problem`: why
    it does not pass; empty if it does."""

    how: str
    difference: float | None = None
    lost: float | None = None
    problem: str = ""

    @property
    def record(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)


def emulated_run(
    engine: Engine, name: str, processor: EmulatedProcessor, reference: ReferenceNetwork
) -> SetRun:
    """Run the network of `reference`, and the probe in int8, on `processor`, whose instruction set
    is `name`. Raises BackendMissing if the engine's library is not installed there."""
    try:
        network = engine.convert(reference.graphs, reference.windows)
        found = answers_on(processor, engine, network, WHOLE, reference.windows, name)
        away = difference(found, reference)
        lost = _lost_there(engine, processor, name)
    except BackendMissing:
        raise
    except WorkflowError as error:
        return SetRun(EMULATED, problem=error.problem)
    problems = [f"{away:.2g} away, {LIMIT} allowed"] if not away <= LIMIT else []
    stated = engine.sums(probe.NUMERIC, name)
    if lost is not None and lost > probe.LARGEST and stated != Sums.SATURATING_PAIRS:
        problems.append(f"{lost:.1%} of the largest sums is lost; it says: {stated}")
    return SetRun(EMULATED, away, lost, "; ".join(problems))


def answers_on(
    processor: EmulatedProcessor,
    engine: Engine,
    network: Network,
    numeric: str,
    windows: NDArray[np.float32],
    name: str,
) -> Mapping[str, NDArray[Any]]:
    """The outputs of `network` for `windows` in a process on `processor`, whose instruction set has
    to be `name`. Raises InfrastructureError if it has another, or the engine does not run there;
    BackendMissing without its library."""
    home = str(Path(stages.__file__).parents[1])
    path = (home, *(processor.path or filter(None, sys.path)))
    with TemporaryDirectory() as scratch:
        folder = Path(scratch)
        graph = engine.place(network, folder).name
        np.save(folder / "windows.npy", windows)
        arguments = [scratch, engine.backend, graph, numeric]
        program = Path(answer_program.__file__)
        try:
            done = processor._replace(path=path).run(program, arguments, PATIENCE)
        except subprocess.TimeoutExpired:
            raise _failed(f"took more than {PATIENCE} seconds") from None
        if done.returncode == answer_program.MISSING:
            libraries = " and ".join(engine.libraries)
            raise BackendMissing(
                f"{libraries} is not installed for the emulated {processor.name}.",
                "Install it there, or leave that processor out.",
            )
        if done.returncode:
            lines = [line for line in done.stderr.splitlines() if line.strip()]
            raise _failed(f"ended with code {done.returncode}: {' '.join(lines[-1:])}")
        if (found := done.stdout.split()[-1]) != name:
            raise _failed(f"calls itself {found}, not {name}")
        with np.load(folder / "outputs.npz", allow_pickle=False) as outputs:
            return {output: outputs[output] for output in outputs.files}


def _lost_there(engine: Engine, processor: EmulatedProcessor, name: str) -> float | None:
    compressed = probe.int8_network(engine)
    if compressed is None:
        return None
    (found,) = answers_on(processor, engine, *compressed, name).values()
    return probe.lost(found)


def _failed(what: str) -> InfrastructureError:
    return InfrastructureError(
        f"The program on the emulated processor {what}.",
        "Check that the engine's library for that processor is installed.",
    )
