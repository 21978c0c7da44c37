"""What a search has finished, kept on disk until its model is saved: a search that was killed
begins again, finds it, and comes to the same.

A piece of a search (a leg of a trial) is a pure function of what the journal is named by and of the
piece's own key, so what is found is what would be made."""

import json
import shutil
import time
from pathlib import Path
from typing import Any, NamedTuple

from stages.artifacts import canonical, digest_of
from stages.closure import code_of
from stages.memo import fingerprint
from stages.runtime.files import write
from stages.settings import Settings

PACKAGES = (
    *("paddlepaddle", "numpy", "optuna", "ray", "onnxruntime", "paddle2onnx", "pillow"),
    *("soundfile", "faster-coco-eval"),
)
FORGOTTEN = 30 * 86400  # seconds in which nothing was added
SETTLED = 3600  # seconds after which a model that was saved is known to be made, or is made again
SAVED = "saved"  # a file in the folder of a journal whose model has been saved


class Entry(NamedTuple):
    """`facts`: as JSON knows them; `data`: bytes."""

    facts: Any
    data: bytes


class Journal:
    """A folder of entries by key; each a file that is whole or not there, dropped when damaged."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @classmethod
    def of(cls, settings: Settings, *question: Any) -> "Journal":
        """The journal of the search that `question` (all that decides its pieces beside their keys)
        and our code decide; those of models that have been saved, or that nobody went on with for
        long, are cleared away."""
        home = settings.root / "cache" / "journals"
        mine = home / digest_of(canonical([fingerprint(question), version()]))
        (mine / SAVED).unlink(missing_ok=True)  # until it is saved again
        for folder in home.glob("*"):
            if folder != mine and _over(folder):
                shutil.rmtree(folder, ignore_errors=True)
        return cls(mine)

    def keep(self, key: Any, facts: Any, data: bytes = b"") -> None:
        """Keep an entry in place of an earlier one."""
        body = canonical(facts) + b"\n" + data
        write(self._path(key), digest_of(body).encode() + b"\n" + body)

    def find(self, key: Any) -> Entry | None:
        """The entry of `key`, if there is a whole one."""
        path = self._path(key)
        try:
            digest, body = path.read_bytes().split(b"\n", 1)
            if digest_of(body).encode() != digest:
                raise ValueError(path)
            facts, data = body.split(b"\n", 1)
            return Entry(json.loads(facts), data)
        except FileNotFoundError:
            return None
        except (OSError, ValueError):
            path.unlink(missing_ok=True)  # it only saved time
            return None

    def saved(self) -> None:
        """The model that came of it is saved: a later search clears this away. Not at once, as the
        stage may be killed before the model is known to be made, and another search begin before
        this one does again."""
        if self.folder.is_dir():
            write(self.folder / SAVED, b"")

    def _path(self, key: Any) -> Path:
        return self.folder / f"{digest_of(canonical(key))}.entry"


def _over(folder: Path) -> bool:
    """Whether nobody will ask for the journal in `folder`."""
    try:
        saved = folder / SAVED
        return _age(folder) > FORGOTTEN or (saved.exists() and _age(saved) > SETTLED)
    except OSError:  # another process has just cleared it away
        return False


def _age(path: Path) -> float:
    return time.time() - path.stat().st_mtime


def version() -> str:
    """The digest of all code and libraries that decide what a leg of either phase brings, as this
    process first saw them; the files may have changed since."""
    return code_of("stages.train").digest
