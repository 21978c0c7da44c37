"""A process of its own that measures one network:
`python -I child.py HOME BACKEND GRAPH NUMERIC SIDE SIDE ...`.

It imports nothing but the runtime in HOME, as a device does. Prints a line of JSON: the 95th
percentile of milliseconds for one window, and the peak memory of the process."""

import json
import sys
import time
from pathlib import Path

WARM, RUNS = 5, 60


def main(home: str, backend: str, graph: str, numeric: str, shape: tuple[int, ...]) -> None:
    """Run `graph`, whose number format is `numeric`, with `backend` on random windows of `shape`,
    one at a time on one thread.

    Seconds are the thread's processor time, so that other processes on the core do not count; on an
    idle core the two are equal."""
    sys.path.insert(0, home)
    import numpy as np

    from stages.runtime.backends import BACKENDS

    engine = BACKENDS[backend](Path(graph), threads=1, numeric=numeric)
    window = np.random.default_rng(0).standard_normal((1, *shape)).astype(np.float32)
    seconds = []
    for _ in range(WARM + RUNS):
        began = time.thread_time()
        engine.run({engine.inputs[0]: window})
        seconds.append(time.thread_time() - began)
    p95 = float(np.quantile(seconds[WARM:], 0.95))
    print(json.dumps({"latency_ms_p95": 1000 * p95, "memory_mb": _memory()}))  # noqa: T201


def _memory() -> float:
    """Megabytes at the peak. Not from getrusage, whose peak starts with that of the parent
    process."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20  # bytes, on macOS
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) * 1024 / 1e6


if __name__ == "__main__":
    home, backend, graph, numeric, *sides = sys.argv[1:]
    main(home, backend, graph, numeric, tuple(map(int, sides)))
