"""A run in a process of its own, to be watched and killed."""

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from stages.blobs.folder import FolderBlobs
from stages.settings import Settings
from stages.train.distributed.checkpoints import CheckpointStore
from stages.train.distributed.driver import CHECKPOINTS


@dataclass
class KillableRun:
    """A run in `folder`, which is started again and again."""

    folder: Path
    pause: float
    process: Any = None

    @property
    def settings(self) -> Settings:
        return Settings(workspace=self.folder / "workspace", threads=2)

    @property
    def at(self) -> int:
        """Steps at the last checkpoint."""
        return CheckpointStore(FolderBlobs(self.settings.root / "store"), "tiny").state.at

    @property
    def start_steps(self) -> list[int]:
        """The step at which the loop started, each time."""
        log = self.folder / "log"
        return [int(line) for line in log.read_text().split()] if log.exists() else []

    def start(self) -> None:
        """Start the driver."""
        arguments = [self.settings.root, self.folder / "log", self.pause]
        with (self.folder / "output").open("a") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tests.train.distributed.driver", *map(str, arguments)],
                stdout=output,
                stderr=output,
                env={**os.environ, "OMP_NUM_THREADS": "1"},
            )

    def working(self) -> None:
        """Wait until the loop has started once more."""
        before = len(self.start_steps)
        while len(self.start_steps) == before and self.process.poll() is None:
            time.sleep(0.1)

    def family(self) -> list[psutil.Process]:
        """The driver and all that it started."""
        driver = psutil.Process(self.process.pid)
        return [driver, *driver.children(recursive=True)]

    def workers(self) -> list[psutil.Process]:
        """The training workers."""
        title = "ray::RayTrainWorker"
        return [each for each in self.family() if _command_line(each).startswith(title)]

    def files(self) -> dict[str, bytes]:
        """The last checkpoint."""
        home = self.settings.cache / CHECKPOINTS / "tiny"
        return {path.name: path.read_bytes() for path in home.iterdir()}


def alive(processes: list[psutil.Process], patience: float) -> list[str]:
    """Those that still run after `patience` seconds."""
    _, left = psutil.wait_procs(processes, timeout=patience)
    return [_command_line(process) for process in left]


def _command_line(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""
