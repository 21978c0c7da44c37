"""Whether there is room in memory for the workers, counted before they start."""

from collections.abc import Sequence
from typing import Any

from stages.runtime.errors import InfrastructureError
from stages.train.distributed.memory import free

MB = 2**20
PADDLE = 300 * MB  # a process that opened Paddle, before it has any data
OBJECTS = 256 * MB  # for Ray's store of objects, beside the arrays that are shared in it
RAY = 600 * MB  # Ray's own processes on this machine
PATIENCE = 30  # seconds in which others on a cluster may make room
FREE = (
    "Free memory (other programs, or a larger machine), or train with less: smaller "
    "train.input_sizes, fewer views."
)


def worker_bytes(data: int) -> int:
    """Bytes of one worker process, which allocates `data` bytes for itself."""
    return PADDLE + data


def store_bytes(shared: int) -> int:
    """What Ray's store of objects takes for `shared` bytes of arrays."""
    return OBJECTS + 2 * shared


def for_workers(shared: int) -> int:
    """Bytes of this machine that the workers may share, beside `shared` bytes of arrays.

    Raises InfrastructureError, with the figures, if not even an empty worker has room."""
    available, store_room = free(), store_bytes(shared)
    if available - store_room - RAY < PADDLE:
        raise InfrastructureError(
            f"{available / MB:.0f} MB of memory are free, and training takes "
            f"{(store_room + RAY + PADDLE) / MB:.0f} MB: {store_room / MB:.0f} for what all "
            f"workers read, {RAY / MB:.0f} for Ray, {PADDLE / MB:.0f} for one worker.",
            FREE,
        )
    return available - store_room - RAY


def fitting(nodes: Sequence[dict[str, Any]], wanted: dict[str, float]) -> int:
    """How many workers that want `wanted` each (CPU, GPU, memory in bytes) fit on Ray's `nodes`, if
    nobody else is there."""
    have = [node["Resources"] for node in nodes if node["Alive"]]
    return sum(
        int(min(resources.get(name, 0) // some for name, some in wanted.items()))
        for resources in have
    )


def check_room(nodes: Sequence[dict[str, Any]], wanted: dict[str, float]) -> None:
    """Raise InfrastructureError, with the figures, unless one worker that wants `wanted` fits on
    one of Ray's `nodes`."""
    if fitting(nodes, wanted):
        return
    have = [node["Resources"] for node in nodes if node["Alive"]]
    most = {name: max((resources.get(name, 0) for resources in have), default=0) for name in wanted}
    raise InfrastructureError(
        f"Not one worker has room: it wants {_described(wanted)}, and the most that a machine of "
        f"Ray's has is {_described(most)}.",
        FREE,
    )


def reserved(workers: int, wanted: dict[str, float], patience: float = PATIENCE) -> list[Any]:
    """Placement groups of Ray's for `workers` workers that want `wanted` each; fewer if there is
    no room for all after `patience` seconds.

    Raises InfrastructureError, with the figures, if there is none for one."""
    import ray
    from ray.util import placement_group, remove_placement_group

    check_room(ray.nodes(), wanted)
    placement_groups = [
        placement_group([wanted]) for _ in range(min(workers, fitting(ray.nodes(), wanted)))
    ]
    ready = {group.ready(): group for group in placement_groups}
    done, waiting = ray.wait(list(ready), num_returns=len(ready), timeout=patience)
    for reference in waiting:
        remove_placement_group(ready[reference])
    if not done:
        raise _taken(wanted, patience)
    return [ready[group] for group in done]


def _taken(wanted: dict[str, float], patience: float) -> InfrastructureError:
    return InfrastructureError(
        f"Others use the cluster: not one worker, which wants {_described(wanted)}, got its place "
        f"in {patience:g} s.",
        "Run again when they are done, or give the cluster another machine.",
    )


def _described(resources: dict[str, float]) -> str:
    """As a person reads it."""
    return ", ".join(
        f"{amount / MB:.0f} MB of memory" if name == "memory" else f"{amount:g} {name}"
        for name, amount in resources.items()
    )
