"""Measures what a task takes: minutes, peak memory, disk."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from stages.train.cost.estimate import Estimate

EVERY = 2.0  # seconds between two samples of the memory


@contextmanager
def measuring(workspace: Path) -> Iterator[Callable[[], Estimate]]:
    """Give a function that returns, after the block, what the block took.

    Disk is how much less is free on the workspace's disk, so other programs count, too. The figures
    are for people; no decision depends on them."""
    import psutil  # type: ignore[import-untyped]

    place = str(workspace)
    free, began, peak, ended = psutil.disk_usage(place).free, time.monotonic(), [0], [0.0, 0.0]
    done = threading.Event()

    def sample_memory() -> None:
        while True:
            peak[0] = max(peak[0], memory_of(psutil.Process()))
            if done.wait(EVERY):
                return

    sampler = threading.Thread(target=sample_memory, name="aiwf-measuring", daemon=True)
    sampler.start()
    try:
        yield lambda: Estimate(ended[0], peak[0], int(ended[1]))
    finally:
        done.set()
        sampler.join()
        used = free - psutil.disk_usage(place).free
        ended[:] = [(time.monotonic() - began) / 60, max(0, used)]


def memory_of(process: "psutil.Process") -> int:  # type: ignore[name-defined]  # noqa: F821
    """Bytes of a process and its children. Shared memory is counted once, at its largest."""
    import psutil

    own, shared = 0, [0]
    for member in [process, *process.children(recursive=True)]:
        try:
            memory = member.memory_info()
        except psutil.Error:  # it has ended
            continue
        own += memory.rss - memory.shared
        shared.append(memory.shared)
    return own + max(shared)
