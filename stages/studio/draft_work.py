"""What a process of its own does for a draft: reads a revision into an index, saves a revision,
lets a model suggest labels, plants faults to count how many are found."""

from pathlib import Path
from typing import Any

from stages.settings import Settings


def indexed(
    settings: Settings, name: str, revision: str, previous: str, files: list[str]
) -> dict[str, Any]:
    """Write the index of that revision's samples. `files`: of the index `previous`, the samples
    that were left out of the revision."""
    from stages.config import DataConfig
    from stages.etl import source
    from stages.etl.readers import read_revision
    from stages.studio.sample_index import excluded_rows, index_path, write_index

    with source.opened(DataConfig(name=name, revision=revision), settings) as folder:
        reading = read_revision(folder)
    excluded = list(excluded_rows(Path(previous), files)) if previous else []
    path = index_path(name, revision, settings.cache)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_index(path, revision, reading, settings, excluded)
    return {"samples": len(reading.rows)}


def revised(settings: Settings, name: str, note: str) -> dict[str, Any]:
    """Keep the draft of the data set `name` as a revision."""
    from stages.local.announcing import announce_revision
    from stages.studio.drafts import Drafts
    from stages.studio.revise import revise

    saved = revise(Drafts(settings).of(name), settings, note)
    notices: list[str] = []
    announce_revision(saved.revision, settings, notices.append)
    return {
        "revision": saved.revision.revision,
        "samples": saved.revision.samples,
        "summary": list(saved.revision.summary),
        "unusable": saved.unusable,
        "notices": notices,
    }


def suggested(settings: Settings, name: str) -> dict[str, Any]:
    """What the last model suggests for the draft of the data set `name`, as
    `suggesting.suggestions_for` says."""
    from stages.studio.suggesting import suggestions_for

    return suggestions_for(name, settings)


def planted(settings: Settings, name: str, kind: str, share: float) -> dict[str, Any]:
    """What the suspects would find of faults that are planted in the data set `name`, as
    `planted_faults.planted_in` says."""
    from stages.studio.planted_faults import planted_in

    return planted_in(name, settings, kind, share)
