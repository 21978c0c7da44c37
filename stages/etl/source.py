"""Raw data by name and revision, stored with DVC. Light to import."""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from hashlib import md5
from pathlib import Path

from stages.config import DataConfig
from stages.etl import catalogue, shards
from stages.etl.intake import take_in
from stages.etl.raw_data import RawData, Revision
from stages.etl.readers import Reading, read_revision
from stages.etl.readers.choices import Choices, keep_choices
from stages.etl.summary import check_trainable, summary_of
from stages.etl.workspace import disk_errors, fetch, keep, workspace
from stages.parts import SAMPLES
from stages.runtime.errors import ConfigError, Damaged
from stages.runtime.registry import nearest
from stages.settings import Settings

__all__ = ["Revision", "add", "check_name", "find", "names", "opened", "raw_data", "revisions"]

NAME = re.compile(r"[a-z][a-z0-9_]{0,49}")
REVISION = re.compile(r"[0-9a-f]{32}\.dir")
RESERVED = ("cache", "work")

names = catalogue.names


def add(
    name: str,
    path: Path,
    settings: Settings,
    note: str = "",
    choices: Choices = Choices(),  # noqa: B008
) -> Revision:
    """Copy the folder, zip or CSV at `path` as a new revision of the data `name`; equal content and
    equal `choices` give an equal revision.

    The user's own files are only read. Raises ConfigError for a bad name, path or choice, DataError
    for data in no known layout, Doubt for data that can be read in several ways and `choices` that
    do not say how, InfrastructureError if the disk or the remote cannot store it."""
    check_name(name)
    with disk_errors(settings.root), workspace(settings) as folder:
        found, data = _taken_in(path, folder, choices)
        keep_choices(choices, data)
        if found.samples > shards.LOOSE_FILES:
            shards.pack(data)
        revision = found._replace(name=name, revision=keep(folder, settings), note=note)
        catalogue.append(revision, settings)
    return revision


def preview(
    path: Path,
    settings: Settings,
    choices: Choices = Choices(),  # noqa: B008
) -> Revision:
    """The revision that `add` would record of the data at `path`, without name and digest; nothing
    is kept. Raises what `add` raises."""
    with disk_errors(settings.root), workspace(settings) as folder:
        return _taken_in(path, folder, choices)[0]


def revisions(name: str, settings: Settings) -> list[Revision]:
    """The revisions of `name`, oldest first; none if there is no such data."""
    return catalogue.read(name, settings)


def find(data: DataConfig, settings: Settings) -> Revision:
    """The revision of `data` whose digest begins as given; the newest if none is given.

    Raises ConfigError, with what to do, if there is no such data or revision."""
    found = revisions(data.name, settings)
    if data.revision:
        return _named(data, found, settings)
    if not found:
        raise ConfigError(f"There is no data called '{data.name}'.", _offer(data.name, settings))
    return found[-1]


def counted(revision: Revision, settings: Settings) -> Revision:
    """`revision` with its number of samples, counted after fetching it from the remote."""
    data = DataConfig(name=revision.name, revision=revision.revision)
    with opened(data, settings) as folder:
        reading = read_revision(folder)
        return revision._replace(samples=len(reading.rows), tested=_tested(reading))


@contextmanager
def opened(data: DataConfig, settings: Settings) -> Iterator[Path]:
    """A temporary folder with the files of that revision.

    Raises InfrastructureError if they cannot be fetched, Damaged if they were changed."""
    revision = find(data, settings)
    with disk_errors(settings.root), workspace(settings) as folder:
        files = fetch(folder, revision.revision, settings)
        _check_digests(files, revision.revision, settings)
        if shards.is_packed(files):
            shards.unpack(files)
        yield files


def raw_data(data: DataConfig, settings: Settings) -> RawData:
    """The revision that `find` finds for `data`, to be opened by a stage. Raises what `find`
    raises; opening it raises what `opened` raises."""
    revision = find(data, settings)
    exact = DataConfig(name=revision.name, revision=revision.revision)
    return RawData(revision, lambda: opened(exact, settings))


def check_name(name: str) -> None:
    """Raise ConfigError unless `name` is a valid name of data."""
    if not NAME.fullmatch(name) or name in RESERVED:
        raise ConfigError(
            f"'{name}' cannot be a name of data.",
            "Use small letters, digits and underscores, beginning with a letter, 50 at most.",
        )


def data_named(text: str) -> DataConfig:
    """The data that a person names as 'name' or 'name@revision'. Raises ConfigError unless that is
    a valid name."""
    fields = DataConfig.fields_of(text)
    check_name(fields["name"])
    return DataConfig.model_validate(fields)


def _taken_in(path: Path, folder: Path, choices: Choices) -> tuple[Revision, Path]:
    """Copy the data at `path` into the workspace `folder`; what is known of them before they have a
    digest, and the copy's folder."""
    reading, data = take_in(path.absolute(), folder, choices)
    check_trainable(reading.rows)
    total = sum(path.stat().st_size for path in data.rglob("*") if path.is_file())
    summary, answers = summary_of(reading), choices.options()
    samples, tested = len(reading.rows), _tested(reading)
    return Revision("", "", samples, total, "", tested, summary, answers), data


def _tested(reading: Reading) -> int:
    """The number of samples that the data itself assigns to the test split."""
    return sum(row.split == "test" for row in reading.rows)


def _named(data: DataConfig, revisions: list[Revision], settings: Settings) -> Revision:
    found = [revision for revision in revisions if revision.revision.startswith(data.revision)]
    if len(found) == 1:
        return found[0]
    if not found and settings.dvc_remote and REVISION.fullmatch(data.revision):
        return Revision(data.name, data.revision, 0, 0, "from the remote")
    if not revisions:
        raise ConfigError(f"There is no data called '{data.name}'.", _offer(data.name, settings))
    count = "no revision" if not found else f"{len(found)} revisions"
    listed = ", ".join(revision.revision[:8] for revision in revisions)
    raise ConfigError(
        f"'{data.revision}' names {count} of '{data.name}'.",
        f"There are, oldest first: {listed}. Leave the revision out for the newest.",
    )


def _offer(name: str, settings: Settings) -> str:
    if name in SAMPLES:
        return f"It is a sample: `aiwf samples get {name}` fetches it."
    names = [*catalogue.names(settings), *SAMPLES]
    how = (
        f"`aiwf data add {name} FOLDER` adds it; `aiwf data list` shows what there is in the "
        f"workspace {settings.root} (AIWF_WORKSPACE moves it)."
    )
    return nearest(name, names) + how


def _check_digests(folder: Path, revision: str, settings: Settings) -> None:
    """Compare every file with the digest under which DVC stores it. Raises Damaged."""
    import json

    listed = catalogue.folder_of(settings) / "cache/files/md5" / revision[:2] / revision[2:]
    content = listed.read_bytes()
    entries = json.loads(content) if _md5(content) == revision[:32] else None
    if entries is None:
        raise Damaged(f"The list of revision {revision[:8]} was changed.", "Add the data again.")
    with ThreadPoolExecutor(settings.threads) as pool:
        digests = pool.map(lambda entry: _md5((folder / entry["relpath"]).read_bytes()), entries)
        for entry, digest in zip(entries, digests, strict=True):
            if digest != entry["md5"]:
                raise Damaged(
                    f"'{entry['relpath']}' in revision {revision[:8]} was changed in DVC's cache.",
                    f"Remove {listed.parents[3]}, then add the data again.",
                )


def _md5(data: bytes) -> str:
    return md5(data, usedforsecurity=False).hexdigest()
