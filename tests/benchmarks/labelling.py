"""How fast a person can label: actions a second, and how soon the next picture and a page of
samples come, with 10,000 samples and with 100,000 in the list.

`python -m tests.benchmarks.labelling`: a real server, real pictures, and Chromium if there is one.
The list of 100,000 is the index of 10,000 ten times over, under other names. On a machine that does
other work, `--samples 2000 --times 50` takes less time to begin."""

import argparse
import http.client
import json
import os
import re
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import uuid4

import numpy as np

from stages.config import DataConfig
from stages.etl import source
from stages.settings import Settings
from stages.studio.drafts import Drafts
from stages.studio.sample_index import index_path
from tests import makers
from tests.studio.browser import CHROMIUM, Browser

NAME = "shapes"
SIDE = 28  # pixels, as clothing has
SERVE = (
    "from stages.settings import Settings; from stages.studio.app import serve;serve(Settings(), 0)"
)
LONGEST = 120.0  # seconds of one measurement
KEYS_A_SECOND = 20


def main() -> None:
    """Print a line for each measurement."""
    options = argparse.ArgumentParser()
    options.add_argument("--samples", type=int, default=10_000)
    options.add_argument("--times", type=int, default=10, help="the list again under other names")
    options.add_argument("--requests", type=int, default=300)
    chosen = options.parse_args()
    with TemporaryDirectory() as folder:
        settings = Settings(workspace=Path(folder) / "workspace")
        seconds = timed(lambda: add(settings, Path(folder) / "raw", chosen.samples))
        print(f"{chosen.samples:,} samples added in {seconds:.0f} s")
        seconds = timed(lambda: Drafts(settings).of(NAME))
        print(f"their index is written in {seconds:.1f} s, once for a revision")
        measure(settings, chosen.requests)
        if chosen.times > 1:
            repeat(settings, chosen.times)
            measure(settings, chosen.requests)


def add(settings: Settings, raw: Path, samples: int) -> None:
    """Add pictures as a data set."""
    for number in range(samples):
        label = makers.LABELS[number % len(makers.LABELS)]
        path = raw / label / f"{number:06}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(makers.picture(label, number, SIDE))
    source.add(NAME, raw, settings)


def repeat(settings: Settings, times: int) -> None:
    """Put every sample into the index again, under other names."""
    revision = source.find(DataConfig(name=NAME), settings).revision
    path = index_path(NAME, revision, settings.cache)
    with closing(sqlite3.connect(path)) as database, database:
        columns = [row[1] for row in database.execute("PRAGMA table_info(samples)")]
        rest = ", ".join(f'"{name}"' for name in columns if name not in ("number", "file"))
        rows = database.execute("SELECT count(*) FROM samples").fetchone()[0]
        for time_ in range(1, times):
            database.execute(
                f"INSERT INTO samples (file, {rest}) SELECT 'copy{time_}/' || file, {rest} "  # noqa: S608
                "FROM samples WHERE number <= ?",
                (rows,),
            )


def measure(settings: Settings, requests: int) -> None:
    """Measure a server with the workspace of `settings`."""
    with served(settings) as address:
        connection = Connection(address)
        state = connection.get(f"/data/{NAME}/label/state")
        total = state["counts"]["samples"]
        print(f"with {total:,} samples:")
        _measure_reading(connection, state, total, requests)
        _measure_actions(connection, requests)
        if CHROMIUM:
            _measure_page(address, requests)


def _measure_reading(
    connection: "Connection", state: dict[str, Any], total: int, requests: int
) -> None:
    rng = np.random.default_rng(0)
    numbers = [int(number) for number in rng.permutation(total)[:requests] + 1]
    label = f"/data/{NAME}/label"
    views = [f"{label}/view/view/{number}?revision={state['revision']}" for number in numbers]
    report("  a picture for the first time", [connection.seconds(path) for path in views])
    report("  a picture again", [connection.seconds(path) for path in views])
    filters = {
        "a page": "after={}&limit=100",
        "a page of a label": "label=square&after={}&limit=100",
        "a page by file name": "find=77&after={}&limit=100",
        "a page of what is not reviewed": "reviewed=0&after={}&limit=100",
    }
    for what, query in filters.items():
        paths = [f"{label}/samples?{query.format(number)}" for number in numbers[:100]]
        report(f"  {what}", [connection.seconds(path) for path in paths])
    paths = [f"{label}/samples?find={number}" for number in range(20)]
    report("  a filter's first page, counted", [connection.seconds(path) for path in paths])


def _measure_actions(connection: "Connection", requests: int) -> None:
    samples = connection.get(f"/data/{NAME}/label/samples?limit=200")["samples"]
    current = {sample["file"]: sample["label"] for sample in samples}
    seconds = []
    for number in range(requests):
        file = samples[number % len(samples)]["file"]
        after = makers.LABELS[number // len(samples) % 3 - 1]
        change = {"file": file, "before": {"label": current[file]}, "after": {"label": after}}
        current[file] = after
        action = {"action": str(uuid4()), "kind": "change", "changes": [change]}
        content = {"who": "ann", "actions": [action]}
        seconds.append(connection.seconds(f"/data/{NAME}/label/actions", content))
    report("  a change, until it is on the disk", seconds)
    print(f"    {len(seconds) / sum(seconds):.0f} changes a second, one at a time")


def _measure_page(address: str, keys: int) -> None:
    """Press keys of labels, KEYS_A_SECOND, as a person does who knows the data well."""
    browser = Browser()
    try:
        browser.open(f"{address.partition('?')[0]}data/{NAME}/label?{address.partition('?')[2]}")
        browser.wait("performance.getEntriesByName('next sample').length")
        began = time.monotonic()
        for number in range(keys):
            browser.key(str(1 + number % 3))
            time.sleep(max(0.0, began + (number + 1) / KEYS_A_SECOND - time.monotonic()))
        pressed = time.monotonic() - began
        waiting = browser.value("document.getElementById('label').dataset.unsaved")
        browser.wait("document.getElementById('label').dataset.unsaved === '0'")
        delay = time.monotonic() - began - pressed
        place = browser.value("document.getElementById('place').textContent")
        shown = browser.value(
            "performance.getEntriesByName('next sample').map((entry) => entry.duration / 1000)"
        )
        report("  the next picture in the browser", shown)
        print(
            f"    {keys} keys in {pressed:.1f} s ({keys / pressed:.1f} a second), "
            f"{waiting} not kept yet at the last, all kept {delay:.2f} s later; at {place}"
        )
    finally:
        browser.close()


class Connection:
    """A kept connection to the server at `address`, with its cookie and tokens."""

    def __init__(self, address: str) -> None:
        self.host = address.partition("//")[2].partition("/")[0]
        self.connection = http.client.HTTPConnection(self.host, timeout=LONGEST)
        self.connection.request("GET", address[address.index("/?") :])
        answer = self.connection.getresponse()
        answer.read()
        self.headers = {
            "Cookie": answer.headers["set-cookie"].partition(";")[0],
            "Origin": f"http://{self.host}",
            "Accept": "application/json",
        }
        page = self.data(f"/data/{NAME}/label").decode()
        found = re.search(r'name="form-token" content="([^"]+)"', page)
        assert found, page
        self.headers["X-AIWF-Token"] = found[1]

    def data(self, path: str, content: Any = None) -> bytes:
        body = None if content is None else json.dumps(content).encode()
        self.connection.request("POST" if body else "GET", path, body, self.headers)
        answer = self.connection.getresponse()
        data = answer.read()
        assert answer.status == 200, (path, answer.status, data)
        return data

    def get(self, path: str) -> Any:
        return json.loads(self.data(path))

    def seconds(self, path: str, content: Any = None) -> float:
        return timed(lambda: self.data(path, content))


@contextmanager
def served(settings: Settings) -> Iterator[str]:
    """A server of the studio; its address with the token."""
    server = subprocess.Popen(
        [sys.executable, "-c", SERVE],
        env={**os.environ, "AIWF_WORKSPACE": str(settings.root)},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert server.stdout
        yield server.stdout.readline().split()[-1]
    finally:
        server.terminate()
        server.wait()


def timed(work: Callable[[], Any]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def report(what: str, seconds: list[float]) -> None:
    middle, high = (1000 * float(np.quantile(seconds, share)) for share in (0.5, 0.95))
    print(f"{what}: {middle:.1f} ms, at the 95th percentile {high:.1f} ms (n = {len(seconds)})")


if __name__ == "__main__":
    main()
