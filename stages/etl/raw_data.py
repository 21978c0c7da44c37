"""Raw data as a stage sees it: a revision, and its files when they are opened."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple


class Revision(NamedTuple):
    """Raw data as it was at one time. `revision`: DVC's digest of the folder. `tested`: the number
    of samples that the data itself assigns to the test split; None in old lists without it.
    `summary`: the lines that say what was understood of the data; none in old lists. `answers`: the
    options with which the data were added."""

    name: str
    revision: str
    samples: int
    bytes: int
    note: str
    tested: int | None = None
    summary: tuple[str, ...] = ()
    answers: str = ""

    def training_samples(self, share: float) -> int:
        """The number of samples in train and validation together. `share`: the test split's share,
        for data that names no test samples."""
        return self.samples - (self.tested or round(share * self.samples))


@dataclass(frozen=True)
class RawData:
    """A revision of raw data. `opened`: gives a temporary folder with its files. It knows where
    they are kept, and has the keys."""

    revision: Revision
    opened: Callable[[], AbstractContextManager[Path]]
