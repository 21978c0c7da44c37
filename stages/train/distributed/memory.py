"""How much memory this machine, or the container that this process is in, can give."""

from pathlib import Path

CGROUPS = Path("/sys/fs/cgroup")


def free(cgroups: Path = CGROUPS) -> int:
    """Bytes, right now."""
    import psutil  # type: ignore[import-untyped]

    return min([int(psutil.virtual_memory().available), *_container(cgroups)])


def _container(cgroups: Path) -> list[int]:
    """What the container that this process is in may still take, if it has a limit."""
    for limit, used, stat in (
        ("memory.max", "memory.current", "memory.stat"),
        ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes", "memory/memory.stat"),
    ):
        try:
            most, now = int((cgroups / limit).read_text()), int((cgroups / used).read_text())
            return [max(0, most - now + _cached(cgroups / stat))]
        except (OSError, ValueError):  # no such file, or "max": no limit
            continue
    return []


def _cached(stat: Path) -> int:
    """Bytes of files that are in memory only because nobody else wants it."""
    rows = dict(line.split() for line in stat.read_text().splitlines())
    return int(rows.get("inactive_file", 0))
