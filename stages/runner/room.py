"""How much this machine has to give, and whether that is enough: known before work begins."""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from stages.runtime.errors import InfrastructureError
from stages.settings import Settings
from stages.train.estimate import Estimate
from stages.train.memory import CGROUPS, free

MORE_DISK = (
    "Free some, set AIWF_WORKSPACE to a folder on a larger disk, or lower etl.views or "
    "train.families."
)
MORE_TEMPORARY = "Free some, or set TMPDIR to a folder on a larger disk."
MORE_MEMORY = (
    "End other programs, or lower AIWF_THREADS, train.workers, train.finetune.views, etl.views, or "
    "train.families."
)


class Room(NamedTuple):
    """Free bytes: in the workspace, in the folder for temporary files, of memory. `one`: whether
    both folders are on one disk."""

    disk: int
    temporary: int
    memory: int
    one: bool


def room_of(settings: Settings, cgroups: Path = CGROUPS) -> Room:
    """What there is right now."""
    import psutil  # type: ignore[import-untyped]

    workspace, temporary = _existing(settings.root), Path(tempfile.gettempdir())
    return Room(
        psutil.disk_usage(str(workspace)).free,
        psutil.disk_usage(str(temporary)).free,
        free(cgroups),
        workspace.stat().st_dev == temporary.stat().st_dev,
    )


def check_room(estimates: Sequence[Estimate], room: Room, workspace: Path) -> None:
    """Raise InfrastructureError, with all figures, unless there is room for work that is done one
    after the other."""
    disk = sum(one.disk for one in estimates)
    temporary = max((one.temporary for one in estimates), default=0)
    memory = max((one.memory for one in estimates), default=0)
    wanted = [
        (disk + temporary * room.one, room.disk, f"on the disk of {workspace}", MORE_DISK),
        (0 if room.one else temporary, room.temporary, "for temporary files", MORE_TEMPORARY),
        (memory, room.memory, "of memory", MORE_MEMORY),
    ]
    short = [one for one in wanted if one[0] > one[1]]
    if short:
        told = [f"{size(need)} {where}, and {size(has)} are free" for need, has, where, _ in short]
        raise InfrastructureError(
            f"This would not fit: it needs about {'; and '.join(told)}.",
            " ".join(dict.fromkeys(remedy for *_, remedy in short)),
        )


def size(amount: float) -> str:
    """Bytes as a person reads them."""
    return f"{amount / 1e9:.1f} GB" if amount >= 1e9 else f"{amount / 1e6:.0f} MB"


def _existing(path: Path) -> Path:
    """`path`, or the nearest folder above it that there is."""
    return next(one for one in (path, *path.parents) if one.is_dir())
