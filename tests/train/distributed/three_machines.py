"""Trains on a cluster of three machines of one core each, all on this one:
`python -m tests.train.distributed.three_machines WORKSPACE CONFIG [KILL]`.

CONFIG is a TrainSlice as JSON. With KILL, one worker of the search is killed with SIGKILL. Prints
lines of JSON: killed (a process id), machines (how many each kind of worker was seen on), model."""

import json
import sys
from collections import defaultdict
from pathlib import Path

import psutil
from ray.cluster_utils import Cluster

from stages.config import TrainSlice
from stages.opening import open_store, resources_of
from stages.settings import Settings
from stages.tracking import QuietRun, TrialProgress
from stages.train import train
from tests import makers

KINDS = ("ray::RayPieceWorker", "ray::RayTrainWorker")
MACHINES = 3


class Watching(QuietRun):
    """Looks at Ray's processes whenever something is reported; kills a worker of the search once if
    `kill` says so."""

    def __init__(self, kill: bool) -> None:
        self.kill = kill
        self.raylets: dict[str, set[int]] = defaultdict(set)

    def trial(self, standing: TrialProgress) -> None:
        self.inspect()

    def progress(self, what: str, done: int, total: int) -> None:
        self.inspect(what)

    def inspect(self, what: str = "") -> None:
        for process in psutil.Process().children(recursive=True):
            title = _title(process)
            for kind in KINDS:
                if title.startswith(kind):
                    self.raylets[kind].add(process.ppid())
                    self.raylets[what].add(process.ppid())
            if self.kill and title.startswith("ray::RayPieceWorker.work"):
                self.kill = False
                process.kill()
                emit(killed=process.pid)


def main(folder: str, config: str, kill: str = "") -> None:
    """Train, and print what was seen."""
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
    for _ in range(MACHINES - 1):
        cluster.add_node(num_cpus=1)
    cluster.wait_for_nodes()
    settings = Settings(workspace=Path(folder), ray=cluster.address)
    store, run = open_store(settings), Watching(bool(kill))
    dataset = makers.dataset(store, each=20, views=1)
    try:
        part = TrainSlice.model_validate_json(config)
        model = train(dataset, part, store=store, run=run, resources=resources_of(settings))
        emit(machines={kind: len(raylets) for kind, raylets in run.raylets.items()})
        emit(model=model.ref.id)
    finally:
        cluster.shutdown()


def emit(**event: object) -> None:
    print(json.dumps(event), flush=True)


def _title(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


if __name__ == "__main__":
    main(*sys.argv[1:])
