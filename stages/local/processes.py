"""Finds and stops the processes of this workspace by a mark in their environment."""

import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from stages.artifacts import digest_of

if TYPE_CHECKING:
    from psutil import Process  # type: ignore[import-untyped]

MARK = "AIWF_STARTED_BY"
PATIENCE = 20.0  # seconds that a server has to end by itself


def mark_of(workspace: Path) -> str:
    """The mark of all that is started for `workspace`."""
    return digest_of(str(workspace.resolve()).encode())[:24]


def start(
    name: str, command: Sequence[str], environment: Mapping[str, str], mark: str, log: Path
) -> subprocess.Popen[bytes]:
    """Start `command` in a session of its own, so that no key pressed in a terminal reaches it."""
    log.parent.mkdir(parents=True, exist_ok=True)
    marked = {**os.environ, **environment, MARK: f"{mark}:{name}"}
    with open(log, "ab", opener=for_its_owner) as out:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            env=marked,
            start_new_session=True,
        )


def for_its_owner(path: str, flags: int) -> int:
    """Open a file that only its owner may read, also if it exists already."""
    number = os.open(path, flags, 0o600)
    os.fchmod(number, 0o600)
    return number


def marked(mark: str, name: str = "") -> "list[Process]":
    """Every living process that carries `mark` (of the server `name`), children included.

    The mark is in a process's own environment, so a number that the system gave to another process
    meanwhile is never mistaken for ours."""
    import psutil

    wanted = f"{mark}:{name}"
    found = []
    for process in psutil.process_iter():
        try:
            carried = process.environ().get(MARK, "")
            if process.status() == psutil.STATUS_ZOMBIE or not carried:
                continue
        except (psutil.Error, OSError):  # ended meanwhile, or another person's
            continue
        if carried == wanted or (not name and carried.startswith(wanted)):
            found.append(process)
    return [process for process in found if process.pid != os.getpid()]


def stop(mark: str, patience: float = PATIENCE, names: Sequence[str] = ("",)) -> int:
    """End the processes with `mark` (of the servers `names`): SIGTERM, wait, then SIGKILL.

    Returns how many processes there were."""
    import psutil

    def carrying() -> "list[Process]":
        return [process for name in names for process in marked(mark, name)]

    first = carrying()
    for process in first:
        _signal(process, signal.SIGTERM)
    psutil.wait_procs(first, timeout=patience)
    deadline = time.monotonic() + patience
    while (remaining := carrying()) and time.monotonic() < deadline:
        for process in remaining:  # also those that were born while the others ended
            _signal(process, signal.SIGKILL)
        psutil.wait_procs(remaining, timeout=2)
    return len(first)


def _signal(process: "Process", number: int) -> None:
    import psutil

    try:
        process.send_signal(number)  # psutil compares the creation time first
    except psutil.Error:
        return
