"""What a loop sees of the world: the group it belongs to, where it began, where it reports."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from stages.train.distributed.checkpoints import Kept
from stages.train.distributed.group import Group

Metrics = dict[str, Any]
Save = Callable[[Path], None]


class Desk:
    """One worker's. Every worker of a group makes the same calls in the same order.

    `wait`: gives when all workers have come so far; between two sums of the group no worker may be
    more than 30 s behind, here it may."""

    def __init__(
        self, group: Group, kept: Kept, folder: Path, wait: Callable[[Metrics], None]
    ) -> None:
        self.group = group
        self._kept = kept
        self._folder = folder
        self._wait = wait

    def restored(self) -> Path | None:
        """A folder with the files of the last checkpoint; None if there is none yet."""
        return self._kept.fetch(self._folder / "restored") if self._kept.state.at else None

    def report(self, metrics: Metrics, save: Save | None = None) -> None:
        """Tell the driver `metrics`, which JSON can hold. With `save`, which writes files into the
        folder it is given, what it wrote is the last checkpoint when this returns. Rank 0 does
        both, the others wait."""
        if self.group.rank == 0:
            self._kept.report(metrics, self._folder / "saved", save)
        self._wait(metrics)


Loop = Callable[[Desk, Any], None]
