"""Where DVC's cache has the bytes of each file of a revision, so that a single one can be read
without checking out the whole revision."""

import json
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from stages.etl.catalogue import Workspace, folder_of
from stages.runtime.errors import Damaged


class CachedFile(NamedTuple):
    """The `size` bytes from `start` on of the cached file with the digest `md5`."""

    md5: str
    start: int
    size: int


def cached_files(revision: str, workspace: Workspace) -> dict[str, CachedFile]:
    """The place of each file of `revision`, which is in the cache; of packed files, their place in
    the tar. Raises Damaged if the revision is not there."""
    listed = _path(revision, workspace)
    try:
        entries = json.loads(listed.read_bytes())
    except (OSError, ValueError) as error:
        raise Damaged(
            f"The list of revision {revision[:8]} cannot be read: {error}.", "Add the data again."
        ) from error
    names = {entry["relpath"]: entry["md5"] for entry in entries}
    if "shards.csv" not in names or not any(name.startswith("shard-") for name in names):
        return {name: _whole(md5, workspace) for name, md5 in names.items()}
    return {
        name: place
        for shard, md5 in names.items()
        if shard.endswith(".tar")
        for name, place in _packed(md5, workspace)
    }


def read_cached(file: CachedFile, workspace: Workspace) -> bytes:
    """The bytes of `file`. Raises Damaged if the cache does not have them any more."""
    path = _path(file.md5, workspace)
    try:
        with path.open("rb") as data:
            data.seek(file.start)
            found = data.read(file.size)
    except OSError as error:
        raise Damaged(f"{path} cannot be read: {error.strerror}.", "Add the data again.") from error
    if len(found) != file.size:
        raise Damaged(f"{path} was cut off.", "Remove it, then add the data again.")
    return found


def path_of(file: CachedFile, workspace: Workspace) -> Path | None:
    """The cached file that has the bytes of `file` and nothing else; None if they are in a tar."""
    return None if file.start else _path(file.md5, workspace)


def _whole(md5: str, workspace: Workspace) -> CachedFile:
    return CachedFile(md5, 0, _path(md5, workspace).stat().st_size)


def _packed(md5: str, workspace: Workspace) -> Iterator[tuple[str, CachedFile]]:
    with tarfile.open(_path(md5, workspace)) as tar:
        for entry in tar:
            yield entry.name, CachedFile(md5, entry.offset_data, entry.size)


def _path(md5: str, workspace: Workspace) -> Path:
    return folder_of(workspace) / "cache" / "files" / "md5" / md5[:2] / md5[2:]
