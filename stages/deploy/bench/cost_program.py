"""A process of its own that measures what a network costs here:
`python -I cost_program.py HOME RUNTIME BACKEND GRAPH NUMERIC THREADS SECONDS SIDE SIDE ...`.

It imports nothing but the package RUNTIME in HOME, as a device does, and prints a line of JSON."""

import json
import sys
import time
from importlib import import_module
from pathlib import Path

WARM, LEAST, MOST = 3, 20, 400  # windows before the clock counts, and those that are timed


def main(
    home: str, runtime: str, backend: str, graph: str, numeric: str, threads: int, seconds: float
) -> None:
    """Load `graph`, whose number format is `numeric`, and run random windows one at a time on
    `threads` threads, for about `seconds`.

    Prints: `load_ms` (from the file to the first answer, libraries included), `p50_ms` and `p95_ms`
    for one window by the clock, `cpu_ms` (processor time for one window, of all threads, which
    other processes do not affect), `per_second` (windows, one after the other) and `memory_mb` (the
    peak of the process)."""
    sys.path.insert(0, home)
    import numpy as np

    window = np.random.default_rng(0).standard_normal((1, *shape)).astype(np.float32)
    began = time.perf_counter()
    engine = import_module(f"{runtime}.backends").BACKENDS[backend](
        Path(graph), threads=threads, numeric=numeric
    )
    inputs = {engine.inputs[0]: window}
    engine.run(inputs)
    load = time.perf_counter() - began
    for _ in range(WARM):
        engine.run(inputs)
    times: list[float] = []
    spent, first = time.process_time(), time.perf_counter()
    while len(times) < LEAST or (len(times) < MOST and time.perf_counter() - first < seconds):
        began = time.perf_counter()
        engine.run(inputs)
        times.append(time.perf_counter() - began)
    whole, spent = time.perf_counter() - first, time.process_time() - spent
    figures = {
        "load_ms": 1000 * load,
        "p50_ms": 1000 * float(np.quantile(times, 0.5)),
        "p95_ms": 1000 * float(np.quantile(times, 0.95)),
        "cpu_ms": 1000 * spent / len(times),
        "per_second": len(times) / whole,
        "memory_mb": _memory(),
    }
    print(json.dumps(figures))  # noqa: T201


def _memory() -> float:
    """Megabytes at the peak; see deploy/device/child.py."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) * 1024 / 1e6


if __name__ == "__main__":
    home, runtime, backend, graph, numeric, threads, seconds, *sides = sys.argv[1:]
    shape = tuple(map(int, sides))
    main(home, runtime, backend, graph, numeric, int(threads), float(seconds))
