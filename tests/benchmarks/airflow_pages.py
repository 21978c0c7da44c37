"""How much longer Airflow's own pages take while people use the studio beside it:
`python -m tests.benchmarks.airflow_pages [--people 8] [--requests 400]`.

`aiwf up` starts all servers in a workspace of its own, with 1,000 pictures. One client reads
Airflow's pages, one after the other, a request each 50 ms: while the studio does nothing, while
people label in it (each sends a change, and reads a page of samples and a picture, five times a
second), and after it was ended. Each figure is the 95th percentile; ratios are to the last."""

import argparse
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

import numpy as np

from stages.local import down, processes, up
from stages.local.health import free_port
from stages.settings import Settings
from stages.studio.access import token_of
from tests import makers
from tests.airflow_client import Airflow
from tests.benchmarks.labelling import NAME, Connection, add

PAGES = ("/", "/api/v2/dags", f"/api/v2/dags/{NAME}/details", f"/api/v2/dags/{NAME}/dagRuns")
LABEL = f"/data/{NAME}/label"
ROUNDS_A_SECOND = 5  # of a person: a change, a page of samples, a picture
PAUSE = 0.05  # seconds between two requests for Airflow's pages


def main() -> None:
    """Print a line for each state of the studio."""
    options = argparse.ArgumentParser()
    options.add_argument("--people", type=int, default=8)
    options.add_argument("--requests", type=int, default=400)
    options.add_argument("--samples", type=int, default=1000)
    chosen = options.parse_args()
    with TemporaryDirectory(prefix="aiwf-pages-") as folder:
        settings = settings_in(Path(folder))
        add(settings, Path(folder) / "raw", chosen.samples)
        up(settings, lambda _: None)
        try:
            compare(settings, chosen.people, chosen.requests)
        finally:
            down(settings, lambda _: None)


def settings_in(folder: Path) -> Settings:
    """Settings with ports that are free, and a pipeline."""
    airflow = free_port(23_000)
    mlflow = free_port(airflow)
    settings = Settings(
        workspace=folder / "workspace",
        pipelines=folder / "pipelines",
        airflow_port=airflow,
        mlflow_port=mlflow,
        studio_port=free_port(mlflow),
        live_port=free_port(free_port(mlflow)),
    )
    settings.pipelines.mkdir()
    (settings.pipelines / f"{NAME}.yaml").write_text(makers.QUICK)
    return settings


def compare(settings: Settings, people: int, requests: int) -> None:
    """Measure Airflow's pages beside the idle studio, the busy one, and without it."""
    airflow = Airflow(settings)
    while not airflow.call("GET", "/api/v2/dags")["dags"]:
        time.sleep(0.5)
    late(settings, requests // 4)  # the first of each page builds what later ones find
    idle = late(settings, requests)
    with labelling(settings, people) as rounds:
        busy = late(settings, requests)
    processes.stop(processes.mark_of(settings.root), names=("studio",))
    without = late(settings, requests)
    print(f"Airflow's pages without the studio: {1000 * without:.0f} ms at the 95th percentile")
    print(f"  with the studio idle: {1000 * idle:.0f} ms, {idle / without:.2f} times as long")
    print(
        f"  while {people} people label, {sum(rounds):,} rounds: "
        f"{1000 * busy:.0f} ms, {busy / without:.2f} times as long"
    )


def late(settings: Settings, requests: int) -> float:
    """The 95th percentile of the seconds of `requests` for Airflow's pages."""
    client = Airflow(settings)
    seconds = []
    for number in range(requests):
        began = time.perf_counter()
        client.open(PAGES[number % len(PAGES)])
        seconds.append(time.perf_counter() - began)
        time.sleep(PAUSE)
    return float(np.quantile(seconds, 0.95))


@contextmanager
def labelling(settings: Settings, people: int) -> Iterator[list[int]]:
    """`people` who label, each on a connection of their own; how many rounds each has done."""
    ended, rounds = threading.Event(), [0] * people
    address = f"http://127.0.0.1:{settings.studio_port}/?token={token_of(settings.root)}"

    def label(person: int) -> None:
        connection = Connection(address)
        revision = connection.get(f"{LABEL}/state")["revision"]
        samples = connection.get(f"{LABEL}/samples?limit=200")["samples"][person::people]
        before = {sample["file"]: sample["label"] for sample in samples}
        for number in count():
            if ended.wait(1 / ROUNDS_A_SECOND):
                return
            file = samples[number % len(samples)]["file"]
            after = makers.LABELS[number // len(samples) % len(makers.LABELS)]
            change = {"file": file, "before": {"label": before[file]}, "after": {"label": after}}
            action = {"action": str(uuid4()), "kind": "change", "changes": [change]}
            connection.data(f"{LABEL}/actions", {"who": f"p{person}", "actions": [action]})
            before[file] = after
            connection.data(f"{LABEL}/samples?after={100 * (number % 9)}&limit=100")
            connection.data(f"{LABEL}/view/view/{number % 900 + 1}?revision={revision}")
            rounds[person] += 1

    threads = [threading.Thread(target=label, args=(person,)) for person in range(people)]
    for thread in threads:
        thread.start()
    try:
        while not all(rounds) and all(thread.is_alive() for thread in threads):
            time.sleep(0.1)  # the first request for a data set makes its index
        yield rounds
    finally:
        ended.set()
        for thread in threads:
            thread.join()


if __name__ == "__main__":
    main()
