"""What a process of its own does with revisions: compares two, exports one."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stages.artifacts import digest_of
from stages.closure import Code, code_of
from stages.memo import CachedContent
from stages.settings import Settings

if TYPE_CHECKING:
    from stages.etl.cached_files import CachedFile
    from stages.etl.readers import Row
    from stages.etl.revision_changes import SampleChange, SampleInRevision

MOST_LISTED = 500  # samples of each sort that are named; all are counted


def changes_key(name: str, first: str, second: str) -> list[str]:
    """What the changes from one revision to another are known by in the cache."""
    return ["revision changes", name, first, second]


def changes_code() -> Code:
    """The code that finds the changes."""
    return code_of("stages.studio.revision_work")


def revision_changes(settings: Settings, name: str, first: str, second: str) -> dict[str, Any]:
    """What changed between two revisions, from the cache or found: `counts` by sort, `labels` with
    their numbers before and after, and the first samples of each sort with their places in the
    cache of files."""
    from stages.opening import open_store

    def make() -> CachedContent:
        return CachedContent(_changes(settings, name, first, second))

    store = open_store(settings)
    key = changes_key(name, first, second)
    record: dict[str, Any] = store.memo(key, changes_code(), make).facts
    return record


def exported(
    settings: Settings, name: str, revision: str, layout: str, path: str
) -> dict[str, Any]:
    """Write that revision as a zip to `path`."""
    from stages.config import DataConfig
    from stages.etl import source
    from stages.etl.export import export_zip

    raw = source.raw_data(DataConfig(name=name, revision=revision), settings)
    done = export_zip(raw, layout, Path(path))
    return {"samples": done.samples, "notes": list(done.notes)}


def _changes(settings: Settings, name: str, first: str, second: str) -> dict[str, Any]:
    from stages.etl.cached_files import cached_files
    from stages.etl.revision_changes import changes_between
    from stages.studio.sample_index import modality_of_files

    sides = [_samples(settings, name, revision) for revision in (first, second)]
    places = [cached_files(revision, settings) for revision in (first, second)]
    found = changes_between(*sides)
    files = sorted(sample.row.file for sample in sides[1])
    return {
        "modality": modality_of_files(files),
        "counts": {sort: len(listed) for sort, listed in found.by_sort.items()},
        "labels": found.labels,
        "samples": {
            sort: [_listed(change, places) for change in listed[:MOST_LISTED]]
            for sort, listed in found.by_sort.items()
        },
    }


def _samples(settings: Settings, name: str, revision: str) -> "list[SampleInRevision]":
    """The samples of a revision with the digests of their files, which are read one at a time."""
    from stages.config import DataConfig
    from stages.etl import source
    from stages.etl.readers import read_revision
    from stages.etl.revision_changes import SampleInRevision

    with source.opened(DataConfig(name=name, revision=revision), settings) as folder:
        return [
            SampleInRevision(row, digest_of((folder / row.file).read_bytes()))
            for row in read_revision(folder).rows
        ]


def _listed(change: "SampleChange", places: "Sequence[Mapping[str, CachedFile]]") -> dict[str, Any]:
    """A change as JSON. `places`: of the files of each revision in the cache."""
    side = 1 if change.after else 0
    return {
        "file": change.file,
        "place": list(places[side][change.file]),
        "before": _described(change.before.row) if change.before else None,
        "after": _described(change.after.row) if change.after else None,
    }


def _described(row: "Row") -> dict[str, str]:
    """The file, split and label of a row; of boxes each label with its number."""
    counts = Counter(box.label for box in row.boxes)
    boxes = ", ".join(f"{label} {count}" for label, count in sorted(counts.items()))
    return {"file": row.file, "split": row.split, "label": row.label or boxes}
