"""The loop of fine-tuning, which logs its epochs to a file: its workers are separate processes,
whose output is not captured."""

import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from stages.artifacts import canonical, digest_of
from stages.train.distributed import TrainContext
from stages.train.finetune.finetune_loop import FinetuneFit
from stages.train.finetune.finetune_search import FinetuneRequest
from stages.train.finetune.finetune_trials import run_trials

FILE = "tails.jsonl"  # in a workspace


class Note(NamedTuple):
    """An `epoch` began at the time `at`, or was saved (`saved`). `epoch`: hyperparameters, a digest
    of the training samples, and the epoch's number."""

    at: float
    saved: bool
    epoch: Any


def noted(path: Path, context: TrainContext, request: FinetuneRequest) -> None:
    """Run the loop of fine-tuning; the first worker logs to the file at `path`."""
    if context.group.rank == 0:
        _Noting(path).watch(context)
    run_trials(context, request)


class _Noting:
    """Logs when an epoch begins, and when the next report saves it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.epoch: Any = None

    def watch(self, context: TrainContext) -> None:
        """Intercept every epoch and every report."""
        epoch, report = FinetuneFit._epoch, context.report

        def epoch_and_note(fit: FinetuneFit, rng: Any) -> float:
            rows = digest_of(fit.training_rows.tobytes())
            self.epoch = [dict(fit.hyper), rows, len(fit.curve) + 1]
            self._note(saved=False)
            return float(epoch(fit, rng))

        def report_and_note(*arguments: Any) -> None:
            report(*arguments)
            if self.epoch:
                self._note(saved=True)
            self.epoch = None

        FinetuneFit._epoch = epoch_and_note  # type: ignore[method-assign]
        context.report = report_and_note  # type: ignore[method-assign]

    def _note(self, saved: bool) -> None:
        with self.path.open("a") as file:
            file.write(json.dumps([time.time(), saved, self.epoch], sort_keys=True) + "\n")


def notes_of(path: Path) -> list[Note]:
    """The notes in the file at `path`, in order; empty if fine-tuning never began."""
    lines = path.read_text().splitlines() if path.is_file() else []
    return [Note(*json.loads(line)) for line in lines]


def under_way(notes: Sequence[Note]) -> bool:
    """Whether the last epoch in `notes` had begun but was not saved."""
    return bool(notes and not notes[-1].saved)


def finished(notes: Sequence[Note]) -> int:
    """The number of epochs that were saved."""
    return sum(note.saved for note in notes)


def trained_again(notes: Sequence[Note]) -> int:
    """The number of epochs that began again after they had been saved."""
    saved: set[bytes] = set()
    again = 0
    for note in notes:
        again += not note.saved and canonical(note.epoch) in saved
        saved |= {canonical(note.epoch)} if note.saved else set()
    return again
