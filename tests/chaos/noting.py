"""Phase two's own loop, which notes in a file what it teaches: its workers are processes of their
own, and nobody hears what they print."""

import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from stages.artifacts import canonical, digest_of
from stages.train.distributed import Desk
from stages.train.finetune.finetune_fit import TailFit
from stages.train.finetune.finetune_loop import loop
from stages.train.finetune.request import Asked

FILE = "tails.jsonl"  # in a workspace


class Note(NamedTuple):
    """At the time `at` an `epoch` began, or was `kept`; it is named by hyperparameters, a digest of
    the samples that teach, and its number."""

    at: float
    kept: bool
    epoch: Any


def noted(path: Path, desk: Desk, asked: Asked) -> None:
    """Run phase two's loop; the first worker notes in the file at `path`."""
    if desk.group.rank == 0:
        _Noting(path).watch(desk)
    loop(desk, asked)


class _Noting:
    """What this process has begun since it last reported is kept by its next report."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.begun: Any = None

    def watch(self, desk: Desk) -> None:
        """Hear of every epoch and every report."""
        teach, report = TailFit._epoch, desk.report

        def teach_and_note(fit: TailFit, rng: Any) -> float:
            rows = digest_of(fit.taught.tobytes())
            self.begun = [dict(fit.hyper), rows, len(fit.curve) + 1]
            self._note(kept=False)
            return float(teach(fit, rng))

        def report_and_note(*given: Any) -> None:
            report(*given)
            if self.begun:
                self._note(kept=True)
            self.begun = None

        TailFit._epoch = teach_and_note  # type: ignore[method-assign]
        desk.report = report_and_note  # type: ignore[method-assign]

    def _note(self, kept: bool) -> None:
        with self.path.open("a") as file:
            file.write(json.dumps([time.time(), kept, self.begun], sort_keys=True) + "\n")


def notes_of(path: Path) -> list[Note]:
    """What was noted, in its order; nothing if phase two never began."""
    lines = path.read_text().splitlines() if path.is_file() else []
    return [Note(*json.loads(line)) for line in lines]


def under_way(notes: Sequence[Note]) -> bool:
    """Whether, at the end of `notes`, an epoch had begun that was not kept."""
    return bool(notes and not notes[-1].kept)


def finished(notes: Sequence[Note]) -> int:
    """How many epochs were kept."""
    return sum(note.kept for note in notes)


def taught_again(notes: Sequence[Note]) -> int:
    """How many epochs began when they had been kept."""
    kept: set[bytes] = set()
    again = 0
    for note in notes:
        again += not note.kept and canonical(note.epoch) in kept
        kept |= {canonical(note.epoch)} if note.kept else set()
    return again
