"""How much this machine has to give, and whether that is enough: known before work begins."""

import os
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
MORE_FILES = (
    "Remove files there (`df -i` counts them), or set AIWF_WORKSPACE to a folder on another disk."
)
MORE_TEMPORARY = "Free some, or set TMPDIR to a folder on a larger disk."
MORE_MEMORY = (
    "End other programs, or lower AIWF_THREADS, train.workers, train.finetune.views, etl.views, or "
    "train.families."
)


class Room(NamedTuple):
    """Free bytes: in the workspace, in the folder for temporary files, of memory. `one`: whether
    both folders are on one disk. `files`: how many more the workspace's disk can have; None where
    it has no such limit."""

    disk: int
    temporary: int
    memory: int
    one: bool
    files: int | None = None


def room_of(settings: Settings, cgroups: Path = CGROUPS) -> Room:
    """What there is right now."""
    import psutil  # type: ignore[import-untyped]

    workspace, temporary = _existing(settings.root), Path(tempfile.gettempdir())
    disk = os.statvfs(workspace)
    return Room(
        psutil.disk_usage(str(workspace)).free,
        psutil.disk_usage(str(temporary)).free,
        free(cgroups),
        workspace.stat().st_dev == temporary.stat().st_dev,
        disk.f_favail if disk.f_files else None,
    )


def occupied(content: int, files: int, folder: Path) -> int:
    """Bytes that `files` with `content` bytes in all take of the disk of `folder`, at the most: a
    file takes whole blocks."""
    return content + files * os.statvfs(_existing(folder)).f_frsize


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
    told = [f"{size(need)} {where}, and {size(has)} are free" for need, has, where, _ in short]
    remedies = [remedy for *_, remedy in short]
    files = sum(one.files for one in estimates)
    if room.files is not None and files > room.files:
        told.append(
            f"{files:,} files on the disk of {workspace}, which can have {room.files:,} more"
        )
        remedies.append(MORE_FILES)
    if told:
        raise InfrastructureError(
            f"This would not fit: it needs about {'; and '.join(told)}.",
            " ".join(dict.fromkeys(remedies)),
        )


def size(amount: float) -> str:
    """Bytes as a person reads them."""
    return f"{amount / 1e9:.1f} GB" if amount >= 1e9 else f"{amount / 1e6:.0f} MB"


def _existing(path: Path) -> Path:
    """`path`, or the nearest folder above it that there is."""
    return next(one for one in (path, *path.parents) if one.is_dir())
