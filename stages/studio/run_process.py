"""A run that the studio started: `aiwf run` in a process of its own, which outlives the studio.

It is found again by a record in the workspace: its process id with the time at which that process
began, as ids are given to other processes later."""

import json
import os
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from stages.runtime.errors import ConfigError
from stages.runtime.files import write
from stages.settings import Settings
from stages.studio.child import environment

BOOT = (
    "import sys, json; sys.path[:] = json.loads(sys.argv.pop(1));"
    "from stages.cli import main; main()"
)
RECORD, LOG = "process.json", "log.txt"
LOG_BYTES = 60_000  # bytes of a log that a page shows


class RunProcess(NamedTuple):
    """A run's process. `pid` with `created`, the time at which that process began in seconds since
    1970, is unique on this machine. `pipeline`: the YAML's path; `began`: ISO 8601, UTC."""

    run: str
    pid: int
    created: float
    pipeline: str
    began: str

    @property
    def is_running(self) -> bool:
        """Whether the process still works."""
        import psutil  # type: ignore[import-untyped]

        try:
            process = psutil.Process(self.pid)
            same = abs(float(process.create_time()) - self.created) < 1
            return same and str(process.status()) != psutil.STATUS_ZOMBIE
        except psutil.Error:
            return False

    def stop(self) -> None:
        """Let the process end as Ctrl-C would; nothing happens if it has ended."""
        if self.is_running:
            with suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGTERM)


def start(pipeline: Path, run: str, began: str, settings: Settings) -> RunProcess:
    """Start `aiwf run` of the file `pipeline` as the run `run`. Its output goes into a log."""
    import psutil

    folder = folder_of(run, settings)
    folder.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-c", BOOT, json.dumps(sys.path)]
    with (folder / LOG).open("ab") as log:
        process = subprocess.Popen(
            [*command, "run", str(pipeline.absolute()), "--name", run],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env={**environment(settings), "PYTHONUNBUFFERED": "1"},
            start_new_session=True,  # Ctrl-C ends the studio, and not the run
        )
    threading.Thread(target=process.wait, daemon=True).start()  # no zombie stays
    try:
        created = psutil.Process(process.pid).create_time()
    except psutil.Error:  # it has ended already; the log says why
        created = 0.0
    started = RunProcess(run, process.pid, created, str(pipeline.absolute()), began)
    write(folder / RECORD, json.dumps(started._asdict()))
    return started


def find(run: str, settings: Settings) -> RunProcess | None:
    """The process of `run`; None if this studio did not start it."""
    try:
        record = json.loads((folder_of(run, settings) / RECORD).read_text(encoding="utf-8"))
        return RunProcess(**record)
    except (OSError, ValueError, TypeError):
        return None


def started_runs(settings: Settings) -> list[RunProcess]:
    """All processes that the studio started and has a record of, the newest first."""
    names = [path.parent.name for path in (settings.root / "studio/runs").glob(f"*/{RECORD}")]
    found = [process for name in names if (process := find(name, settings))]
    return sorted(found, key=lambda process: process.began, reverse=True)


def log_of(run: str, settings: Settings) -> str:
    """The end of the run's log, in whole lines; '' if there is none."""
    try:
        with (folder_of(run, settings) / LOG).open("rb") as log:
            size = log.seek(0, os.SEEK_END)
            log.seek(max(0, size - LOG_BYTES))
            text = log.read().decode("utf-8", "replace")
    except OSError:
        return ""
    return text.partition("\n")[2] if size > LOG_BYTES else text


def folder_of(run: str, settings: Settings) -> Path:
    """The folder of what the studio notes of `run`. Raises ConfigError for what is no run's
    name."""
    if not run or not all(letter.isalnum() or letter in "_-." for letter in run) or ".." in run:
        raise ConfigError(f"'{run[:80]}' is no name of a run.", "Choose one on the first page.")
    return settings.root / "studio" / "runs" / run
