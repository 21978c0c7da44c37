"""The overhead of logging every trial to MLflow while it is trained:
`python -m tests.benchmarks.tracking [TRIALS]`.

Runs the same search over heads without a tracker and with MLflow (SQLite in the workspace). Prints
wall times, the number of calls to MLflow and their share of all processor time."""

import os
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from stages.config import TrainConfig
from stages.opening import open_store, resources_of
from stages.settings import Settings
from stages.tracking import QuietRun, Run
from stages.tracking.mlflow_run import open_run
from stages.train.distributed.cluster import cluster
from stages.train.search.recorder import Recorder
from stages.train.search.trial_search import search
from tests.train.conftest import blobs

CONFIG = TrainConfig(families=("efficientnet_lite0",), input_sizes=(64,), folds=3)


def main(trials: int = 32) -> None:
    problem = blobs(samples=3000, classes=10, width=1280)
    with TemporaryDirectory() as folder:
        quiet, heard = (Settings(workspace=Path(folder) / name) for name in ("quiet", "heard"))
        with cluster(resources_of(quiet), 10**8):
            warm = Settings(workspace=Path(folder) / "warm")
            timed(problem, 2, warm, QuietRun())
            plain = timed(problem, trials, quiet, QuietRun())
            with open_run(
                heard,
                pipeline="bench",
                run="bench",
                stage="train",
                tags={},
                progress=lambda *_: None,
            ) as run:
                tracked = timed(problem, trials, heard, run)
                began = time.perf_counter()
            closing = time.perf_counter() - began
            writer = run._writer
    print(f"search of {trials} heads, not tracked       {plain:6.1f} s")
    print(f"the same, tracked by MLflow        {tracked:6.1f} s, and {closing:.1f} s to end")
    print(f"calls to MLflow                    {writer.done:6d}")
    print(f"their processor time               {writer.seconds:6.1f} s")
    share = writer.seconds / (tracked * len(os.sched_getaffinity(0)))
    print(f"their share of the cores           {share:6.1%}")


def timed(problem, trials: int, settings: Settings, run: Run) -> float:
    """The seconds of a search that `run` logs."""
    recorder = Recorder(run, trials, CONFIG.metric)
    began = time.perf_counter()
    reports = (recorder.report_rung, recorder.epoch)
    services = (resources_of(settings), *reports)
    found = search(problem, CONFIG, trials, *services, store=open_store(settings))
    seconds = time.perf_counter() - began
    recorder.report_search(found, found[0])
    return seconds


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
