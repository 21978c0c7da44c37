"""Requests to the live service through swaps and kills:
`python -m tests.benchmarks.live_swaps --requests 20000 --swaps 100 --kills 20`.

Clients ask without a pause while packages are published and rolled back, some of them with a
selftest that fails, and while processes are killed: workers, and with --servers the serving process
itself. Counted are answers that were lost, those by a package that was not live, packages that were
taken though their selftest fails, and the seconds until the former package answers again."""

import argparse
import os
import random
import signal
import tempfile
import threading
import time
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


class Clients:
    """`count` clients that ask until `enough` answers came and `stop` was called."""

    def __init__(self, place: str, count: int) -> None:
        self.statuses: dict[int, int] = {}
        self.packages: set[str] = set()
        self.lost = 0
        self._place, self._stopping, self._mutex = place, threading.Event(), threading.Lock()
        self._threads = [threading.Thread(target=self._send_requests) for _ in range(count)]
        for thread in self._threads:
            thread.start()

    @property
    def answers(self) -> int:
        return sum(self.statuses.values())

    def stop(self) -> None:
        self._stopping.set()
        for thread in self._threads:
            thread.join()

    def _send_requests(self) -> None:
        headers, data = {"content-type": "image/png"}, picture("red", 1)
        with httpx.Client(timeout=300) as client:
            while not self._stopping.is_set():
                try:
                    found = client.post(
                        f"{self._place}/{PIPELINE}/predict", content=data, headers=headers
                    )
                except httpx.HTTPError:
                    with self._mutex:
                        self.lost += 1
                    continue
                with self._mutex:
                    self.statuses[found.status_code] = self.statuses.get(found.status_code, 0) + 1
                    self.packages.add(found.headers.get("x-aiwf-package", ""))


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


def kill(live: LiveProcess, servers: bool) -> None:
    """Kill a worker, or the serving process."""
    pids = [live.server().pid] if servers else live.workers()
    if pids:
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
        ids = packages(settings)
        publish(PIPELINE, ids["mixed"], settings)
        with live_service(settings, Path(folder) / "live.log") as live:
            live.until(PIPELINE, ids["mixed"])
            clients = Clients(live.place, chosen.clients)
            back = swapped(live, ids, settings, chosen)
            while clients.answers < chosen.requests:
                time.sleep(0.1)
            clients.stop()
    wrong = clients.packages - {ids["mixed"], ids["other"]}
    print(f"{clients.answers} answers by status {clients.statuses}, lost {clients.lost}")
    print(f"{len(back)} swaps, answered by {len(wrong)} packages that were not live")
    print(f"selftest failing taken: {ids['failing'] in clients.packages}")
    print(f"seconds until the former one is back: median {sorted(back)[len(back) // 2]:.1f}, "
          f"most {max(back):.1f}")  # fmt: skip


def swapped(
    live: LiveProcess, ids: dict[str, str], settings: Settings, chosen: argparse.Namespace
) -> list[float]:
    """Swap and kill; the seconds that each swap took."""
    back = []
    for number in range(chosen.swaps):
        if number % FAILING_EVERY == FAILING_EVERY - 1:
            publish(PIPELINE, ids["failing"], settings, because="it fails its selftest")
            time.sleep(1)
            roll_back(PIPELINE, settings)
        if number * chosen.kills // chosen.swaps < (number + 1) * chosen.kills // chosen.swaps:
            kill(live, chosen.servers)
        if number % 2:
            roll_back(PIPELINE, settings)
        else:
            publish(PIPELINE, ids["other"], settings, because="a swap")
        back.append(live.until(PIPELINE, ids["mixed" if number % 2 else "other"]))
    return back


if __name__ == "__main__":
    main()
