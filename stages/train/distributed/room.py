"""Reserves room for workers on Ray, before any of them starts."""

from collections.abc import Sequence
from typing import Any

from stages.runtime.errors import InfrastructureError
from stages.train.distributed.memory import MB, REMEDY

ROOM_TIMEOUT = 30  # seconds to wait until others on a cluster have made room


def workers_with_room(nodes: Sequence[dict[str, Any]], wanted: dict[str, float]) -> int:
    """How many workers that want `wanted` each (CPU, GPU, memory in bytes) fit on `nodes` (as
    `ray.nodes()` returns them), if nobody else uses them."""
    on_machines = [node["Resources"] for node in nodes if node["Alive"]]
    return sum(
        int(min(resources.get(name, 0) // some for name, some in wanted.items()))
        for resources in on_machines
    )


def check_room(nodes: Sequence[dict[str, Any]], wanted: dict[str, float]) -> None:
    """Raise InfrastructureError, with the figures, unless one worker that wants `wanted` fits on
    one of `nodes`, if nobody else uses them."""
    if workers_with_room(nodes, wanted):
        return
    on_machines = [node["Resources"] for node in nodes if node["Alive"]]
    largest = {
        name: max((resources.get(name, 0) for resources in on_machines), default=0)
        for name in wanted
    }
    raise InfrastructureError(
        f"Not one worker has room: it wants {_described(wanted)}, and the most that a machine of "
        f"Ray's has is {_described(largest)}.",
        REMEDY,
    )


def reserve_workers(
    workers: int, wanted: dict[str, float], timeout: float = ROOM_TIMEOUT
) -> list[Any]:
    """Reserve room for `workers` workers that want `wanted` each: one Ray placement group for each;
    fewer if there is no room for all after `timeout` seconds. The caller removes the groups.

    Raises InfrastructureError, with the figures, if there is no room for one."""
    import ray
    from ray.util import placement_group, remove_placement_group

    check_room(ray.nodes(), wanted)
    placement_groups = [
        placement_group([wanted])
        for _ in range(min(workers, workers_with_room(ray.nodes(), wanted)))
    ]
    ready = {group.ready(): group for group in placement_groups}
    done, waiting = ray.wait(list(ready), num_returns=len(ready), timeout=timeout)
    for reference in waiting:
        remove_placement_group(ready[reference])
    if not done:
        raise _occupied(wanted, timeout)
    return [ready[group] for group in done]


def _occupied(wanted: dict[str, float], timeout: float) -> InfrastructureError:
    return InfrastructureError(
        f"Others use the cluster: not one worker, which wants {_described(wanted)}, got its place "
        f"in {timeout:g} s.",
        "Run again when they are done, or give the cluster another machine.",
    )


def _described(resources: dict[str, float]) -> str:
    """`resources` in words, as in "1 CPU, 500 MB of memory"."""
    return ", ".join(
        f"{amount / MB:.0f} MB of memory" if name == "memory" else f"{amount:g} {name}"
        for name, amount in resources.items()
    )
