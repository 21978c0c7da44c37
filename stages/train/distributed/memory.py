"""Measures how much memory is free on this machine, or in the container that this process runs
in."""

from pathlib import Path

CGROUPS = Path("/sys/fs/cgroup")


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
