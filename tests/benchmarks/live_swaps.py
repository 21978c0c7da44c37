"""Requests to the live service through swaps and kills:
`python -m tests.benchmarks.live_swaps --requests 20000 --swaps 100 --kills 20`.

Clients ask without a pause while packages are published and rolled back, some of them with a
selftest that fails, and while processes are killed: workers, and with --servers the serving process
itself. Counted are answers that were lost, apart from those over a connection to a serving process
that was killed; answers by a package that was not live between question and answer; packages
that were taken though their selftest fails; and the seconds until the former package answers again.
"""

import argparse
import os
import random
import signal
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from stages.artifacts import Measure, Package
from stages.opening import open_store
from stages.publish.publishing import publish, roll_back
from stages.settings import Settings
from tests.publish.conftest import ORDERS, PIPELINE, failing, picture, saved_dataset
from tests.publish.live import LiveProcess, live_service
from tests.runtime.conftest import DESCRIPTION, colour_network, whole

FAILING_EVERY = 10  # of so many swaps one package fails its selftest
MEASURE = Measure(value=0.9, low=0.8, high=0.95, n=60)


@dataclass
class Timeline:
    """When packages were live and when serving processes were killed, by `time.monotonic`."""

    live: list[tuple[float, set[str]]] = field(default_factory=list)
    kills: list[float] = field(default_factory=list)

    def now(self, *packages: str) -> None:
        """From now on each of `packages` may answer."""
        self.live.append((time.monotonic(), set(packages)))

    def may_answer(self, package: str, began: float, ended: float) -> bool:
        """Whether `package` was live at some time between `began` and `ended`."""
        ends = [start for start, _ in self.live[1:]] + [float("inf")]
        return any(
            package in packages and start <= ended and began <= end
            for (start, packages), end in zip(self.live, ends, strict=True)
        )

    def was_killed(self, began: float, ended: float) -> bool:
        """Whether a serving process was killed between `began` and `ended`."""
        return any(began <= kill <= ended for kill in self.kills)


class Clients:
    """`count` clients that ask until `stop` is called. `answers`, `lost`: what came of each
    question: when it began and ended, and the status and package of the answer. What is lost began
    with the client's question before it, which came over the same connection."""

    def __init__(self, place: str, count: int) -> None:
        self.answers: list[tuple[float, float, int, str]] = []
        self.lost: list[tuple[float, float]] = []
        self._place, self._stopping, self._mutex = place, threading.Event(), threading.Lock()
        self._threads = [threading.Thread(target=self._send_requests) for _ in range(count)]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._stopping.set()
        for thread in self._threads:
            thread.join()

    def _send_requests(self) -> None:
        headers, data = {"content-type": "image/png"}, picture("red", 1)
        began = time.monotonic()
        with httpx.Client(timeout=300) as client:
            while not self._stopping.is_set():
                former, began = began, time.monotonic()
                try:
                    found = client.post(
                        f"{self._place}/{PIPELINE}/predict", content=data, headers=headers
                    )
                except httpx.HTTPError:
                    with self._mutex:
                        self.lost.append((former, time.monotonic()))
                    continue
                package = found.headers.get("x-aiwf-package", "")
                with self._mutex:
                    self.answers.append((began, time.monotonic(), found.status_code, package))


def packages(settings: Settings) -> dict[str, str]:
    """The ids of saved packages by name, one of them with a selftest that fails."""
    data, store, found = saved_dataset(settings, range(40)), open_store(settings), {}
    files = {}
    for name, labels in ORDERS.items():
        description = {**DESCRIPTION, "name": PIPELINE, "labels": list(labels)}
        with tempfile.TemporaryDirectory() as folder:
            files[name] = whole(description, colour_network(), Path(folder))
    files["failing"] = failing(files["right"])
    for name, content in files.items():
        package = Package(
            name=PIPELINE, target="cloud_api", backend="onnxruntime", format="onnx",
            numeric="float32", size_bytes=1, overall={"accuracy": MEASURE}, labels_measured={},
            agreement=MEASURE, files={key: store.add(value) for key, value in content.items()},
            parents=(data.ref,),
        )  # fmt: skip
        found[name] = store.save(package).id
    return found


def kill(live: LiveProcess, timeline: Timeline, servers: bool) -> None:
    """Kill a worker, or the serving process."""
    pids = [live.server().pid] if servers else live.workers()
    if pids:
        if servers:
            timeline.kills.append(time.monotonic())
        os.kill(random.choice(pids), signal.SIGKILL)


def main() -> None:
    """Run, and print what was counted."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name, value in (("requests", 20_000), ("swaps", 100), ("kills", 20), ("clients", 4)):
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("--servers", action="store_true", help="kill the serving process")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(workspace=Path(folder) / "workspace", threads=2)
        ids, timeline = packages(settings), Timeline()
        publish(PIPELINE, ids["mixed"], settings)
        with live_service(settings, Path(folder) / "live.log") as live:
            live.until(PIPELINE, ids["mixed"])
            timeline.now(ids["mixed"])
            clients = Clients(live.place, chosen.clients)
            back = swapped(live, ids, timeline, settings, chosen)
            while len(clients.answers) < chosen.requests:
                time.sleep(0.1)
            clients.stop()
    print_counts(clients, timeline, back, ids["failing"])


def print_counts(clients: Clients, timeline: Timeline, back: list[float], failing_id: str) -> None:
    """Print what was counted."""
    statuses = dict(Counter(status for _, _, status, _ in clients.answers))
    of_killed = sum(timeline.was_killed(*times) for times in clients.lost)
    wrong = sum(
        not timeline.may_answer(package, began, ended)
        for began, ended, status, package in clients.answers
        if status == 200
    )
    taken = any(package == failing_id for *_, package in clients.answers)
    print(f"{len(clients.answers)} answers by status {statuses}")
    lost = len(clients.lost) - of_killed
    print(f"lost {lost}, and {of_killed} over connections to servers that were killed")
    print(f"{len(back)} swaps, {wrong} answers by a package that was not live")
    print(f"selftest failing taken: {taken}")
    print(f"seconds until the former one is back: median {sorted(back)[len(back) // 2]:.1f}, "
          f"most {max(back):.1f}")  # fmt: skip


def swapped(
    live: LiveProcess,
    ids: dict[str, str],
    timeline: Timeline,
    settings: Settings,
    chosen: argparse.Namespace,
) -> list[float]:
    """Swap and kill; the seconds that each swap took."""
    back = []
    for number in range(chosen.swaps):
        names = ("other", "mixed") if number % 2 else ("mixed", "other")
        former, following = (ids[name] for name in names)
        if number % FAILING_EVERY == FAILING_EVERY - 1:
            publish(PIPELINE, ids["failing"], settings, because="it fails its selftest")
            time.sleep(1)
            roll_back(PIPELINE, settings)
        if number * chosen.kills // chosen.swaps < (number + 1) * chosen.kills // chosen.swaps:
            kill(live, timeline, chosen.servers)
        timeline.now(former, following)
        if number % 2:
            roll_back(PIPELINE, settings)
        else:
            publish(PIPELINE, following, settings, because="a swap")
        back.append(live.until(PIPELINE, following))
        timeline.now(following)
    return back


if __name__ == "__main__":
    main()
