"""Watches the processes of a Ray that this process started, and ends them."""

import os
from pathlib import Path
from typing import Any

END_TIMEOUT = 5.0  # seconds in which a process that was told to end may do so by itself
NEEDED = ("raylet", "gcs_server")  # Ray answers no call when one of these processes has ended


class RayProcesses:
    """The processes of the Ray that was started from this process with its files in `folder`: those
    that have `folder` on their command lines, and their descendants."""

    def __init__(self, folder: Path) -> None:
        import psutil  # type: ignore[import-untyped]

        children = psutil.Process().children()
        self._first = [process for process in children if _mentions(process, str(folder))]
        self._needed = [process for process in self._first if _name(process) in NEEDED]
        self._initial = self._descendants()  # once raylet has ended, its agents have no parent

    def ended(self) -> bool:
        """Whether a process of NEEDED has ended."""
        return not all(_alive(process) for process in self._needed)

    def alive(self) -> list[Any]:
        """The psutil.Process of each one that runs."""
        return [process for process in {*self._initial, *self._descendants()} if _alive(process)]

    def _descendants(self) -> list[Any]:
        import psutil

        found = list(self._first)
        for process in self._first:
            try:
                found += process.children(recursive=True)
            except psutil.Error:
                continue  # it has ended
        return found


def of_session(leader: int) -> list[Any]:
    """The running processes of the operating system's session that the process `leader` started,
    whatever their parents and names are now."""
    import psutil

    found = []
    for process in psutil.process_iter():
        try:
            if os.getsid(process.pid) == leader and _alive(process):
                found.append(process)
        except OSError:
            continue  # it has ended
    return found


def end(processes: list[Any], timeout: float = END_TIMEOUT) -> None:
    """Wait `timeout` seconds for `processes`, which were told to end, and kill those that still
    run."""
    import psutil

    _, alive = psutil.wait_procs(processes, timeout=timeout)
    for process in alive:
        try:
            process.kill()  # psutil holds its start time against one that has its number now
        except psutil.Error:
            continue
    psutil.wait_procs(alive, timeout=END_TIMEOUT)


def _mentions(process: Any, text: str) -> bool:
    import psutil

    try:
        return any(text in argument for argument in process.cmdline())
    except psutil.Error:
        return False


def _name(process: Any) -> str:
    import psutil

    try:
        return str(process.name())
    except psutil.Error:
        return ""


def _alive(process: Any) -> bool:
    import psutil

    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False
