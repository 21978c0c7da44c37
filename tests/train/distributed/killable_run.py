"""Runs that are disturbed: started in a process of their own, looked at, and killed."""

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


@dataclass
class Disturbed:
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
    def begun(self) -> list[int]:
        """The steps at which the loop was begun, each time."""
        log = self.folder / "log"
        return [int(line) for line in log.read_text().split()] if log.exists() else []

    def start(self) -> None:
        """Start the driver."""
        words = [self.settings.root, self.folder / "log", self.pause]
        with (self.folder / "told").open("a") as told:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tests.train.distributed.driver", *map(str, words)],
                stdout=told,
                stderr=told,
                env={**os.environ, "OMP_NUM_THREADS": "1"},
            )

    def working(self) -> None:
        """Wait until the loop was begun once more than before this start."""
        before = len(self.begun)
        while len(self.begun) == before and self.process.poll() is None:
            time.sleep(0.1)

    def family(self) -> list[psutil.Process]:
        """The driver and all that it started."""
        driver = psutil.Process(self.process.pid)
        return [driver, *driver.children(recursive=True)]

    def workers(self) -> list[psutil.Process]:
        """Those that teach."""
        return [one for one in self.family() if _words(one).startswith("ray::RayTrainWorker")]

    def files(self) -> dict[str, bytes]:
        """The last checkpoint."""
        home = self.settings.root / "teams" / "tiny"
        return {path.name: path.read_bytes() for path in home.iterdir()}


def alive(processes: list[psutil.Process], patience: float) -> list[str]:
    """Those that still run after `patience` seconds."""
    _, left = psutil.wait_procs(processes, timeout=patience)
    return [_words(one) for one in left]


def _words(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""
