"""What is kept of a loop: all that it reported, and its last checkpoint."""

import json
import shutil
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from stages.artifacts import digest_of
from stages.blobs import Blobs
from stages.runtime.errors import Damaged


@dataclass(frozen=True)
class State:
    """`reports`: metrics in their order; `at`: how many there were when `files`, the last
    checkpoint's with their digests, were saved; `finished`: the loop came to its end."""

    reports: list[dict[str, Any]] = field(default_factory=list)
    at: int = 0
    files: dict[str, str] = field(default_factory=dict)
    finished: bool = False


class Kept:
    """The state of the loop `name` in `blobs`, by `worker`s and driver of any machine.

    A checkpoint is one when the state names it, which is written last and at once: whoever dies
    while writing leaves the one before."""

    def __init__(self, blobs: Blobs, name: str) -> None:
        self.blobs = blobs
        self.home = f"teams/{name}"
        self.state = self.read()

    def read(self) -> State:
        """The state as it is now."""
        try:
            return State(**json.loads(self.blobs.get(f"{self.home}/state.json")))
        except KeyError:
            return State()

    def again(self) -> None:
        """Begin at the last checkpoint: what was reported after it is reported anew."""
        self.state = replace(self.state, reports=self.state.reports[: self.state.at])

    def report(
        self, metrics: dict[str, Any], folder: Path, save: Callable[[Path], None] | None
    ) -> None:
        """Add `metrics`; with `save`, make what it writes into `folder` the checkpoint."""
        before = self.state
        state = replace(before, reports=[*before.reports, metrics])
        if save:
            state = replace(state, at=len(state.reports), files=self._saved(state, folder, save))
        self._write(state)
        if save:
            self._remove(before.files.items() - self.state.files.items())

    def finish(self) -> None:
        """Note that the loop came to its end."""
        self._write(replace(self.read(), finished=True))

    def fetch(self, folder: Path) -> Path:
        """Write the last checkpoint's files into `folder`, which has nothing else afterwards.

        Raises Damaged if a file is gone, or not as it was saved."""
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for name, digest in self.state.files.items():
            self._fetch(self._key(name, digest), digest, folder / name)
        return folder

    def _fetch(self, key: str, digest: str, path: Path) -> None:
        try:
            self.blobs.get_file(key, path)
        except KeyError:
            raise self._damaged(key, "is gone") from None
        if digest_of(path.read_bytes()) != digest:
            raise self._damaged(key, "was changed")

    def _damaged(self, key: str, how: str) -> Damaged:
        return Damaged(
            f"The checkpoint {key} {how}.", f"Delete {self.home} in the store, and run again."
        )

    def forget(self) -> None:
        """Remove all that is kept of this loop."""
        for key in list(self.blobs.keys(f"{self.home}/")):
            self.blobs.remove(key)

    def _saved(self, state: State, folder: Path, save: Callable[[Path], None]) -> dict[str, str]:
        """Let `save` write into `folder`, and keep what is not kept already; others may have
        removed what `state` names."""
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        save(folder)
        paths = sorted(path for path in folder.iterdir() if path.is_file())
        files = {path.name: digest_of(path.read_bytes()) for path in paths}
        for name, digest in files.items():
            key = self._key(name, digest)
            if state.files.get(name) != digest or not self.blobs.has(key):
                self.blobs.put_file(key, folder / name)
        return files

    def _write(self, state: State) -> None:
        data = json.dumps(asdict(state), default=float).encode()
        self.blobs.put(f"{self.home}/state.json", data)
        self.state = state

    def _remove(self, files: Iterable[tuple[str, str]]) -> None:
        for name, digest in files:
            self.blobs.remove(self._key(name, digest))

    def _key(self, name: str, digest: str) -> str:
        return f"{self.home}/{digest[:16]}.{name}"
