"""Saves what a training loop has reported, and its last checkpoint, in the store's cache."""

import json
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from stages.blobs import Blobs
from stages.memo import CachedContent, Memo
from stages.runtime.errors import Damaged


@dataclass(frozen=True)
class LoopState:
    """How far a loop has come. `reports`: the metrics of all reports, in their order; `at`: how
    many of them there were when the last checkpoint was saved, 0 without one; `finished`: whether
    the loop has come to its end."""

    reports: list[dict[str, Any]] = field(default_factory=list)
    at: int = 0
    finished: bool = False

    @property
    def facts(self) -> dict[str, Any]:
        """The fields as values that JSON can hold; numpy's numbers become floats."""
        plain: dict[str, Any] = json.loads(json.dumps(asdict(self), default=float))
        return plain


class CheckpointStore:
    """The state of the loop `name` in `blobs`. The driver reads it and rank 0 writes it, on any
    machine that reaches `blobs`.

    The state is one cache entry whose files are the last checkpoint. An entry is replaced as a
    whole, so a process that dies while it writes leaves the previous one. `name` is a digest of
    everything that decides what the loop does, its code included."""

    def __init__(self, blobs: Blobs, name: str) -> None:
        self.name = name
        self.scope = Memo(blobs).scope(["loop", name])
        self.entry = self.scope.entry("state")
        self.state = self.read()

    def read(self) -> LoopState:
        """The state that is in the cache now; an empty one if there is none."""
        record = self.entry.record()
        return LoopState(**record.facts) if record else LoopState()

    def rewind(self) -> None:
        """Drop the reports after the last checkpoint: a loop that resumes there makes them
        again."""
        self.state = replace(self.state, reports=self.state.reports[: self.state.at])

    def report(
        self, metrics: dict[str, Any], folder: Path, save: Callable[[Path], None] | None
    ) -> None:
        """Add a report. With `save`, also replace the checkpoint by the files that `save(folder)`
        writes; `folder` is emptied first."""
        state = replace(self.state, reports=[*self.state.reports, metrics])
        if save:
            state = replace(state, at=len(state.reports))
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            save(folder)
            files = {path.name: path for path in sorted(folder.iterdir()) if path.is_file()}
            self.entry.keep(CachedContent(state.facts, files))
        else:
            self.entry.update(state.facts)
        self.state = state

    def finish(self) -> None:
        """Record that the loop has come to its end."""
        self.state = replace(self.read(), finished=True)
        self.entry.update(self.state.facts)

    def fetch(self, folder: Path) -> Path:
        """Replace the content of `folder` by the files of the last checkpoint; return `folder`.

        Raises Damaged if the checkpoint is missing or was changed; the loop then begins anew when
        it is started again."""
        if self.entry.fetch(folder) is None:
            raise Damaged(
                f"The last checkpoint of {self.name} is gone, or was changed.",
                "Run again: it begins anew.",
            )
        return folder

    def done(self) -> None:
        """Let the state expire: the loop's model is saved, so nobody will resume from here."""
        self.scope.done()
