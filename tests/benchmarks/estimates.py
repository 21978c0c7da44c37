"""Estimates beside what runs took: `python -m tests.benchmarks.estimates`, for all runs of the
workspace. Disk is what became less free on its disk: other programs count, too."""

from collections.abc import Iterator, Mapping
from typing import Any

from stages.opening import open_store
from stages.settings import Settings
from stages.store import Store

PREFIX = "notes/estimates/"
MB = 1e6


def rows(store: Store) -> Iterator[str]:
    """Yield a line for each task of each run."""
    for key in store.blobs.keys(PREFIX):
        run = key.removeprefix(PREFIX).removesuffix(".json")
        yield run
        note = store.noted(f"estimates/{run}") or {"tasks": {}}
        for task, record in note["tasks"].items():
            if record.get("estimated") and record.get("taken"):
                yield f"  {task:<20}{_compared(record['estimated'], record['taken'])}"


def _compared(estimated: Mapping[str, Any], taken: Mapping[str, Any]) -> str:
    memory, disk = ([side[name] / MB for side in (estimated, taken)] for name in ("memory", "disk"))
    ratio = memory[0] / max(1, memory[1])
    return (
        f"memory {memory[0]:6,.0f} MB, took {memory[1]:6,.0f} (x {ratio:.2f}); "
        f"disk {disk[0]:5,.0f} MB, took {disk[1]:5,.0f}; "
        f"{estimated['minutes']:5.1f} min, took {taken['minutes']:5.1f}"
    )


if __name__ == "__main__":
    print(*rows(open_store(Settings())), sep="\n")
