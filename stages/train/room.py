"""Whether there is room in memory for those who teach: counted before they start."""

from collections.abc import Sequence
from typing import Any

from stages.runtime.errors import InfrastructureError
from stages.train.memory import free

MB = 2**20
PADDLE = 300 * MB  # a process that opened Paddle, before it has any data
OBJECTS = 256 * MB  # for Ray's store of objects, beside the arrays that are shared in it
RAY = 600 * MB  # Ray's own processes on this machine
FREE = (
    "Free memory (other programs, or a larger machine), or teach with less: smaller "
    "train.input_sizes, fewer views."
)


def worker_bytes(data: int) -> int:
    """What one process that teaches takes: `data` are the bytes that it makes for itself."""
    return PADDLE + data


def store_bytes(shared: int) -> int:
    """What Ray's store of objects takes for `shared` bytes of arrays."""
    return OBJECTS + 2 * shared


def for_workers(shared: int) -> int:
    """Bytes of this machine that those who teach may share, beside `shared` bytes of arrays.

    Raises InfrastructureError, with the figures, if not even an empty worker has room."""
    left, kept = free(), store_bytes(shared)
    if left - kept - RAY < PADDLE:
        raise InfrastructureError(
            f"{left / MB:.0f} MB of memory are free, and teaching takes "
            f"{(kept + RAY + PADDLE) / MB:.0f} MB: {kept / MB:.0f} for what all workers read, "
            f"{RAY / MB:.0f} for Ray, {PADDLE / MB:.0f} for one worker.",
            FREE,
        )
    return left - kept - RAY


def check_room(nodes: Sequence[dict[str, Any]], wanted: dict[str, float]) -> None:
    """Raise InfrastructureError, with the figures, unless one worker that wants `wanted` (CPU, GPU,
    memory in bytes) fits on one of Ray's `nodes`."""
    have = [node["Resources"] for node in nodes if node["Alive"]]
    if any(all(one.get(name, 0) >= some for name, some in wanted.items()) for one in have):
        return
    most = {name: max((one.get(name, 0) for one in have), default=0) for name in wanted}
    raise InfrastructureError(
        f"Not one worker has room: it wants {_told(wanted)}, and the most that a machine of Ray's "
        f"has is {_told(most)}.",
        FREE,
    )


def _told(resources: dict[str, float]) -> str:
    """As a person reads it."""
    return ", ".join(
        f"{amount / MB:.0f} MB of memory" if name == "memory" else f"{amount:g} {name}"
        for name, amount in resources.items()
    )
