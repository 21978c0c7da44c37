"""What a network costs on this machine, measured in a process of its own."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from stages.deploy.bench import cost_program
from stages.deploy.device.measuring import printed_figures

RUNTIME = "stages.runtime"


@dataclass(frozen=True)
class Costs:
    """What one network costs with a number of threads; see cost_program.py."""

    load_ms: float
    p50_ms: float
    p95_ms: float
    cpu_ms: float
    per_second: float
    memory_mb: float

    @property
    def record(self) -> dict[str, Any]:
        """As JSON, with three decimals."""
        return {name: round(value, 3) for name, value in asdict(self).items()}


def costs_of(
    graph: Path,
    backend: str,
    numeric: str,
    shape: Sequence[int],
    threads: int = 1,
    seconds: float = 2.0,
) -> Costs:
    """Measure the network at `graph` for one window of `shape` at a time, on `threads` threads, for
    about `seconds`. Raises CannotRun with the engine's message if it does not run it."""
    arguments = (RUNTIME, backend, graph, numeric, threads, seconds, *shape)
    return Costs(**printed_figures(cost_program.__name__, *arguments))
