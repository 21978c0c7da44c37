"""A small data set for journals, and a program that is killed while it changes labels."""

import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from stages.studio.journal import Change, Journal

FILES = tuple(f"{number}.png" for number in range(7))


def base(file: str) -> dict[str, Any] | None:
    """The fields of a sample in the revision."""
    return {"label": "cat", "split": "", "excluded": False} if file in FILES else None


def relabel(file: str, before: str, after: str) -> list[Change]:
    return [Change(file, {"label": before}, {"label": after})]


def labels(journal: Journal) -> dict[str, str]:
    return {file: journal.current(file)["label"] for file in FILES}


def killed_writers(path: Path, rounds: int, seed: int = 0) -> None:
    """Kill a writer `rounds` times at random moments, and check after each that every
    acknowledged change is there, that a replay gives the same state, and that undo works."""
    rng = np.random.default_rng(seed)
    acknowledged: dict[int, str] = {}
    for _ in range(rounds):
        acknowledged |= _killed_writer(path, float(rng.uniform(0.0, 0.05)))
        journal = Journal(path, base)
        journal.refresh()
        actions = {entry.number: entry.action for entry in journal.entries()}
        lost = {n: action for n, action in acknowledged.items() if actions.get(n) != action}
        assert not lost
        undoable, _ = journal.reversible("ann")
        entry, conflicts = journal.undo(f"undo-{len(acknowledged)}-{journal.number}", "ann")
        assert (entry is not None) == (undoable > 0)
        assert conflicts == []
        assert labels(Journal(path, base)) == labels(journal)
    assert len(acknowledged) > rounds


def _killed_writer(path: Path, seconds: float) -> dict[int, str]:
    command = [sys.executable, "-m", "tests.studio.journal_writer", str(path), "ann"]
    writer = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    first = writer.stdout.readline()
    time.sleep(seconds)
    writer.kill()
    rest = writer.stdout.read()
    writer.wait()
    lines = [line.split() for line in (first + rest).splitlines(keepends=True) if line[-1] == "\n"]
    return {int(number): action for number, action in lines}
