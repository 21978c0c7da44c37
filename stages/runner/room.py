"""Checks before work begins whether this machine has enough disk and memory free."""

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from stages.runtime.errors import InfrastructureError
from stages.settings import Settings
from stages.train.cost.estimate import Estimate
from stages.train.distributed.memory import CGROUPS, free

DISK_REMEDY = (
    "Free some, set AIWF_WORKSPACE to a folder on a larger disk, or lower etl.views or "
    "train.families."
)
FILES_REMEDY = (
    "Remove files there (`df -i` counts them), or set AIWF_WORKSPACE to a folder on another disk."
)
TEMPORARY_REMEDY = "Free some, or set TMPDIR to a folder on a larger disk."
MEMORY_REMEDY = (
    "End other programs, or lower AIWF_THREADS, train.workers, train.finetune.views, etl.views, or "
    "train.families."
)


class FreeResources(NamedTuple):
    """What this machine has free: bytes of the workspace's disk, of the disk for temporary files,
    and of memory.

    `same_disk`: whether both folders are on one disk. `files`: how many more files the workspace's
    disk can have; None where it has no such limit."""

    disk: int
    temporary: int
    memory: int
    same_disk: bool
    files: int | None = None


def room_of(settings: Settings, cgroups: Path = CGROUPS) -> FreeResources:
    """What this machine has free right now."""
    import psutil  # type: ignore[import-untyped]

    workspace, temporary = _existing(settings.root), Path(tempfile.gettempdir())
    disk = os.statvfs(workspace)
    return FreeResources(
        psutil.disk_usage(str(workspace)).free,
        psutil.disk_usage(str(temporary)).free,
        free(cgroups),
        workspace.stat().st_dev == temporary.stat().st_dev,
        disk.f_favail if disk.f_files else None,
    )


def occupied(content: int, files: int, folder: Path) -> int:
    """The most bytes that `files` files with `content` bytes in all take on the disk of `folder`.

    A file takes whole blocks."""
    return content + files * os.statvfs(_existing(folder)).f_frsize


def check_room(estimates: Sequence[Estimate], room: FreeResources, workspace: Path) -> None:
    """Raise InfrastructureError, with all figures, unless there is room for these tasks.

    They run one after the other: disk adds up, of memory and temporary files the most counts."""
    disk = sum(estimate.disk for estimate in estimates)
    temporary = max((estimate.temporary for estimate in estimates), default=0)
    memory = max((estimate.memory for estimate in estimates), default=0)
    wanted = [
        (disk + temporary * room.same_disk, room.disk, f"on the disk of {workspace}", DISK_REMEDY),
        (
            0 if room.same_disk else temporary,
            room.temporary,
            "for temporary files",
            TEMPORARY_REMEDY,
        ),
        (memory, room.memory, "of memory", MEMORY_REMEDY),
    ]
    short = [need for need in wanted if need[0] > need[1]]
    shortages = [f"{size(need)} {where}, and {size(has)} are free" for need, has, where, _ in short]
    remedies = [remedy for *_, remedy in short]
    files = sum(estimate.files for estimate in estimates)
    if room.files is not None and files > room.files:
        shortages.append(
            f"{files:,} files on the disk of {workspace}, which can have {room.files:,} more"
        )
        remedies.append(FILES_REMEDY)
    if shortages:
        raise InfrastructureError(
            f"This would not fit: it needs about {'; and '.join(shortages)}.",
            " ".join(dict.fromkeys(remedies)),
        )


def total_of(estimates: Sequence[Estimate]) -> Estimate:
    """What tasks take that run one after the other: minutes and disk add up, of memory the most
    counts."""
    return Estimate(
        sum(estimate.minutes for estimate in estimates),
        max((estimate.memory for estimate in estimates), default=0),
        sum(estimate.disk for estimate in estimates),
    )


def size(amount: float) -> str:
    """Bytes as a person reads them."""
    return f"{amount / 1e9:.1f} GB" if amount >= 1e9 else f"{amount / 1e6:.0f} MB"


def _existing(path: Path) -> Path:
    """`path`, or its nearest parent that exists."""
    return next(folder for folder in (path, *path.parents) if folder.is_dir())
