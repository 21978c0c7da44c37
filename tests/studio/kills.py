"""Kills a server in the middle of labelling, and cuts connections before its answer is read:
`python -m tests.studio.kills --kills 200`.

A person's page sends each action until it is acknowledged, under one id. After each kill the server
is started again, and it is checked that every acknowledged label is there, that no action counts
twice, that a replay of the journal gives what the server shows, and that undo takes back the last
change."""

import argparse
import http.client
import json
import threading
import time
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from stages.etl import source
from stages.settings import Settings
from stages.studio.drafts import Drafts
from stages.studio.journal import CHANGE, Journal
from tests import makers
from tests.benchmarks.labelling import NAME, Connection
from tests.studio.server import Server

WHO = "ann"
LABEL = f"/data/{NAME}/label"
LONGEST = 0.6  # seconds of labelling before a kill
INTERRUPTED = 0.2  # share of the actions whose answer nobody reads the first time
BROKEN = (OSError, http.client.HTTPException, AssertionError, ValueError)


class Person(threading.Thread):
    """Labels one sample after the other until `stopped`. `acknowledged`: by action, the file and
    the label."""

    def __init__(self, server: Server, seed: int) -> None:
        super().__init__(daemon=True)
        self.server, self.rng = server, np.random.default_rng(seed)
        self.stopped = threading.Event()
        self.acknowledged: dict[str, tuple[str, str]] = {}
        self.labels: dict[str, str] = {}
        self.number = 0

    def run(self) -> None:
        """Label until `stopped`; the action that is not acknowledged then stays in doubt."""
        while not self.stopped.is_set():
            file = sorted(self.labels)[self.number % len(self.labels)]
            label = makers.LABELS[int(self.rng.integers(len(makers.LABELS)))]
            action = {
                "action": f"action-{self.number}",
                "kind": "change",
                "changes": [
                    {
                        "file": file,
                        "before": {"label": self.labels[file]},
                        "after": {"label": label},
                    }
                ],
            }
            if self.sent(action):
                self.acknowledged[action["action"]] = (file, label)
                self.labels[file] = label
                self.number += 1

    def sent(self, action: dict[str, Any]) -> bool:
        """Send `action` until it is acknowledged; False if it was not when labelling ended."""
        is_interrupted = self.rng.random() < INTERRUPTED
        while True:
            with suppress(*BROKEN):
                connection = Connection(self.server.address)
                content = {"who": WHO, "actions": [action]}
                if is_interrupted:
                    is_interrupted = False
                    interrupt(connection, content)
                    continue
                (result,) = json.loads(connection.data(f"{LABEL}/actions", content))["results"]
                assert "problem" not in result, result
                return True
            if self.stopped.is_set():
                return False
            time.sleep(0.02)


def interrupt(connection: Connection, content: dict[str, Any]) -> None:
    """Send `content` as actions, and close the connection before the answer."""
    body = json.dumps(content).encode()
    connection.connection.request("POST", f"{LABEL}/actions", body, connection.headers)
    connection.connection.close()


def killed_servers(settings: Settings, kills: int, seed: int = 0) -> int:
    """Kill the server `kills` times, and check after each; return how many labels were
    acknowledged. `settings`: of a workspace with the data set NAME."""
    rng = np.random.default_rng(seed)
    server = Server(settings)
    person = Person(server, seed)
    person.labels = shown(server)
    try:
        for number in range(kills):
            worker = resumed(person, server, seed + number + 1)
            time.sleep(float(rng.uniform(0.05, LONGEST)))
            server.kill()
            server.start()
            worker.stopped.set()
            worker.join()
            person = worker
            check(server, settings, person, number)
    finally:
        server.kill()
    return len(person.acknowledged)


def resumed(before: Person, server: Server, seed: int) -> Person:
    """The person of `before`, who goes on with a page that was loaded anew."""
    person = Person(server, seed)
    person.acknowledged, person.number = before.acknowledged, before.number + 1
    person.labels = shown(server)
    person.start()
    return person


def check(server: Server, settings: Settings, person: Person, number: int) -> None:
    """Hold what the server shows to what was acknowledged and to the journal."""
    draft = Drafts(settings).of(NAME)
    entries = [entry for entry in draft.journal.entries() if entry.kind == CHANGE]
    journalled = {entry.action: entry.changes[0] for entry in entries}
    assert len(journalled) == len(entries), "an action counts twice"
    for action, (file, label) in person.acknowledged.items():
        assert action in journalled, f"{action} was acknowledged and is lost"
        assert (journalled[action].file, journalled[action].after) == (file, {"label": label})
    replayed = Journal(draft.journal.path, draft.base)
    labels = shown(server)
    assert labels == {file: replayed.current(file)["label"] for file in labels}
    undo(server, number, labels)
    draft.close()


def undo(server: Server, number: int, before: dict[str, str]) -> None:
    """Take the last change back, and look whether its label is what it was."""
    connection = Connection(server.address)
    action = {"action": f"undo-{number:08}", "kind": "undo"}
    content = {"who": WHO, "actions": [action]}
    answer = json.loads(connection.data(f"{LABEL}/actions", content))
    (result,) = answer["results"]
    assert "problem" not in result, result
    labels = shown(server)
    undone = {sample["file"]: sample["label"] for sample in result["samples"]}
    assert labels == {**before, **undone}


def shown(server: Server) -> dict[str, str]:
    """Each file with its label, as the server shows them."""
    found = Connection(server.address).get(f"{LABEL}/samples?limit=200")
    return {sample["file"]: sample["label"] for sample in found["samples"]}


def workspace(folder: Path) -> Settings:
    """A workspace in `folder` with few pictures."""
    settings = makers.settings(folder)
    source.add(NAME, makers.folder_of_pictures(folder / "raw", 5), settings)
    return settings


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--kills", type=int, default=200)
    chosen = options.parse_args()
    with TemporaryDirectory() as folder:
        began = time.monotonic()
        labels = killed_servers(workspace(Path(folder)), chosen.kills)
        seconds = time.monotonic() - began
    print(f"{chosen.kills} kills in {seconds:.0f} s, {labels} labels acknowledged, none lost")


if __name__ == "__main__":
    main()
