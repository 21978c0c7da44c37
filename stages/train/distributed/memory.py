"""Computes how much memory workers take and may take, and measures how much is free on this
machine, or in the container that this process runs in."""

from pathlib import Path

from stages.runtime.errors import InfrastructureError

MB = 2**20
PADDLE_BYTES = 300 * MB  # of a process that imported Paddle, before it has any data
OBJECT_STORE_BYTES = 256 * MB  # of Ray's object store, beside the arrays that are shared in it
RAY_BYTES = 600 * MB  # of Ray's own processes on this machine
CGROUPS = Path("/sys/fs/cgroup")
REMEDY = (
    "Free memory (other programs, or a larger machine), or train with less: smaller "
    "train.input_sizes, fewer views."
)


def worker_bytes(data: int) -> int:
    """Bytes of one worker process that allocates `data` bytes beside Paddle."""
    return PADDLE_BYTES + data


def object_store_bytes(shared_bytes: int) -> int:
    """The size in bytes of a Ray object store for arrays of `shared_bytes` bytes; it has room for
    them twice."""
    return OBJECT_STORE_BYTES + 2 * shared_bytes


def worker_memory(shared_bytes: int) -> int:
    """The bytes of memory on this machine that all workers together may allocate, when the object
    store holds arrays of `shared_bytes` bytes. Measures the memory that is free now.

    Raises InfrastructureError, with the figures, if a worker without data has no room."""
    available, store_room = free(), object_store_bytes(shared_bytes)
    if available - store_room - RAY_BYTES < PADDLE_BYTES:
        needed = store_room + RAY_BYTES + PADDLE_BYTES
        raise InfrastructureError(
            f"{available / MB:.0f} MB of memory are free, and training takes {needed / MB:.0f} MB: "
            f"{store_room / MB:.0f} for what all workers read, {RAY_BYTES / MB:.0f} for Ray, "
            f"{PADDLE_BYTES / MB:.0f} for one worker.",
            REMEDY,
        )
    return available - store_room - RAY_BYTES


def free(cgroups: Path = CGROUPS) -> int:
    """The bytes of memory that a new process could allocate now: the least of what the machine and
    the container have free. `cgroups`: where Linux shows a container's limits."""
    import psutil  # type: ignore[import-untyped]

    return min([int(psutil.virtual_memory().available), *_container(cgroups)])


def _container(cgroups: Path) -> list[int]:
    """The bytes that the container of this process may still allocate; empty if it has no limit."""
    for limit, used, stat in (
        ("memory.max", "memory.current", "memory.stat"),
        ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes", "memory/memory.stat"),
    ):
        try:
            limit_bytes = int((cgroups / limit).read_text())
            used_bytes = int((cgroups / used).read_text())
            return [max(0, limit_bytes - used_bytes + _cached(cgroups / stat))]
        except (OSError, ValueError):  # no such file, or "max": no limit
            continue
    return []


def _cached(stat: Path) -> int:
    """Bytes of the page cache, which count as used but are freed when a process needs memory."""
    rows = dict(line.split() for line in stat.read_text().splitlines())
    return int(rows.get("inactive_file", 0))
