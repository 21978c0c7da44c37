"""The list of a data set's revisions: revisions.json, oldest first."""

import json
from pathlib import Path
from typing import Protocol

from stages.etl.raw_data import Revision
from stages.runtime.errors import Damaged
from stages.runtime.files import alone, write


class Workspace(Protocol):
    """Settings, or `root` alone: Airflow's form lists revisions without loading all settings."""

    @property
    def root(self) -> Path: ...


def folder_of(settings: Workspace) -> Path:
    """The folder of all raw data: a folder for each name, DVC's cache and its workspaces."""
    return settings.root / "data"


def names(settings: Workspace) -> list[str]:
    """The names of all raw data in the workspace."""
    return sorted(path.parent.name for path in folder_of(settings).glob("*/revisions.json"))


def read(name: str, settings: Workspace) -> list[Revision]:
    """The revisions of `name`, oldest first. Raises Damaged if the list cannot be read."""
    path = _path(name, settings)
    try:
        records = json.loads(path.read_text(encoding="utf-8"))
        return [
            Revision(name, **{**record, "summary": tuple(record.get("summary", ()))})
            for record in records
        ]
    except (FileNotFoundError, NotADirectoryError):  # a file in the way: the next write reports it
        return []
    except (ValueError, TypeError, AttributeError, OSError) as error:
        raise Damaged(
            f"{path} cannot be read: {error}.",
            "Move it away and add the data again; DVC's cache still has every file.",
        ) from error


def append(revision: Revision, settings: Workspace) -> None:
    """Append `revision` to the list of its name; if it is there already, it moves to the end."""
    path = _path(revision.name, settings)
    with alone(path.with_suffix(".lock")):
        earlier = [
            recorded
            for recorded in read(revision.name, settings)
            if recorded.revision != revision.revision
        ]
        records = [{**entry._asdict()} for entry in (*earlier, revision)]
        for record in records:
            del record["name"]
        write(path, json.dumps(records, indent=2, ensure_ascii=False) + "\n")


def _path(name: str, settings: Workspace) -> Path:
    return folder_of(settings) / name / "revisions.json"
