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
    """At the time `at` an `epoch` began, or was saved. `epoch`: hyperparameters, a digest of the
    training samples, and the epoch's number."""

    at: float
    saved: bool
    epoch: Any


def noted(path: Path, context: Desk, request: Asked) -> None:
    """Run phase two's loop; the first worker notes in the file at `path`."""
    if context.group.rank == 0:
        _Noting(path).watch(context)
    loop(context, request)


class _Noting:
    """Logs when an epoch begins, and when the next report saves it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.epoch: Any = None

    def watch(self, context: Desk) -> None:
        """Hear of every epoch and every report."""
        epoch, report = TailFit._epoch, context.report

        def epoch_and_note(fit: TailFit, rng: Any) -> float:
            rows = digest_of(fit.taught.tobytes())
            self.epoch = [dict(fit.hyper), rows, len(fit.curve) + 1]
            self._note(saved=False)
            return float(epoch(fit, rng))

        def report_and_note(*arguments: Any) -> None:
            report(*arguments)
            if self.epoch:
                self._note(saved=True)
            self.epoch = None

        TailFit._epoch = epoch_and_note  # type: ignore[method-assign]
        context.report = report_and_note  # type: ignore[method-assign]

    def _note(self, saved: bool) -> None:
        with self.path.open("a") as file:
            file.write(json.dumps([time.time(), saved, self.epoch], sort_keys=True) + "\n")


def notes_of(path: Path) -> list[Note]:
    """What was noted, in its order; nothing if phase two never began."""
    lines = path.read_text().splitlines() if path.is_file() else []
    return [Note(*json.loads(line)) for line in lines]


def under_way(notes: Sequence[Note]) -> bool:
    """Whether, at the end of `notes`, an epoch had begun that was not kept."""
    return bool(notes and not notes[-1].saved)


def finished(notes: Sequence[Note]) -> int:
    """How many epochs were kept."""
    return sum(note.saved for note in notes)


def trained_again(notes: Sequence[Note]) -> int:
    """How many epochs began when they had been kept."""
    saved: set[bytes] = set()
    again = 0
    for note in notes:
        again += not note.saved and canonical(note.epoch) in saved
        saved |= {canonical(note.epoch)} if note.saved else set()
    return again
