"""What is kept of a loop in the cache: all that it reported, and its last checkpoint."""

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
    """`reports`: metrics in their order; `at`: how many there were when the last checkpoint was
    saved, 0 without one; `finished`: the loop came to its end."""

    reports: list[dict[str, Any]] = field(default_factory=list)
    at: int = 0
    finished: bool = False

    @property
    def facts(self) -> dict[str, Any]:
        """As JSON."""
        plain: dict[str, Any] = json.loads(json.dumps(asdict(self), default=float))
        return plain


class CheckpointStore:
    """The state of the loop `name` in `blobs`, by `worker`s and driver of any machine.

    The state is one entry, its files are the last checkpoint: whoever dies while writing leaves the
    one before. `name` says all that decides what the loop does, the code, too."""

    def __init__(self, blobs: Blobs, name: str) -> None:
        self.name = name
        self.scope = Memo(blobs).scope(["loop", name])
        self.entry = self.scope.entry("state")
        self.state = self.read()

    def read(self) -> LoopState:
        """The state as it is now."""
        record = self.entry.record()
        return LoopState(**record.facts) if record else LoopState()

    def rewind(self) -> None:
        """Begin at the last checkpoint: what was reported after it is reported anew."""
        self.state = replace(self.state, reports=self.state.reports[: self.state.at])

    def report(
        self, metrics: dict[str, Any], folder: Path, save: Callable[[Path], None] | None
    ) -> None:
        """Add `metrics`; with `save`, make what it writes into `folder` the checkpoint."""
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
        """Note that the loop came to its end."""
        self.state = replace(self.read(), finished=True)
        self.entry.update(self.state.facts)

    def fetch(self, folder: Path) -> Path:
        """Write the last checkpoint's files into `folder`, which has nothing else afterwards.

        Raises Damaged if there is none any more, or not as it was saved; the loop begins anew when
        it is started again."""
        if self.entry.fetch(folder) is None:
            raise Damaged(
                f"The last checkpoint of {self.name} is gone, or was changed.",
                "Run again: it begins anew.",
            )
        return folder

    def done(self) -> None:
        """Note that what came of the loop is saved: soon nobody will go on from here."""
        self.scope.done()
