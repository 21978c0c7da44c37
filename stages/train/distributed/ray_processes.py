"""The processes of a Ray that was started here: whether they live, and that none outlives it."""

import os
from pathlib import Path
from typing import Any

PATIENCE = 5.0  # seconds for what Ray stopped to end by itself
NEEDED = ("raylet", "gcs_server")  # without one of these nothing answers


class RayProcesses:
    """All that Ray started from this process, with the session's `folder` on its command lines,
    and all that these started."""

    def __init__(self, folder: Path) -> None:
        import psutil  # type: ignore[import-untyped]

        children = psutil.Process().children()
        self._first = [process for process in children if _mentions(process, str(folder))]
        self._needed = [process for process in self._first if _name(process) in NEEDED]
        self._initial = self._descendants()  # its agents have no known parent once raylet has ended

    def ended(self) -> bool:
        """Whether one that Ray cannot do without has ended."""
        return not all(_alive(process) for process in self._needed)

    def family(self) -> list[Any]:
        """Those that live."""
        return [process for process in {*self._initial, *self._descendants()} if _alive(process)]

    def _descendants(self) -> list[Any]:
        import psutil

        family = list(self._first)
        for process in self._first:
            try:
                family += process.children(recursive=True)
            except psutil.Error:
                continue  # it has ended
        return family


def of_session(leader: int) -> list[Any]:
    """Processes that live of the system's session that the process `leader` began, whoever their
    parent is now, and whatever they call themselves."""
    import psutil

    found = []
    for process in psutil.process_iter():
        try:
            if os.getsid(process.pid) == leader and _alive(process):
                found.append(process)
        except OSError:
            continue  # it has ended
    return found


def end(processes: list[Any], patience: float = PATIENCE) -> None:
    """See that `processes`, which were told to end, have ended: by their ids, after `patience`
    seconds."""
    import psutil

    _, alive = psutil.wait_procs(processes, timeout=patience)
    for process in alive:
        try:
            process.kill()  # psutil holds its start time against one that has its number now
        except psutil.Error:
            continue
    psutil.wait_procs(alive, timeout=PATIENCE)


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
