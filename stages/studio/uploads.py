"""Uploads: files that a browser sends in chunks, and can go on sending after a break.

An upload is a folder in the workspace with a list of its files and what has come of each. The
server's count of bytes decides where the next chunk begins, so nothing is lost or doubled."""

import fcntl
import json
import os
import re
import secrets
import shutil
import time
import zipfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from stages.etl.archive import BROKEN, LONGEST_NAME, LONGEST_PATH
from stages.etl.video_frames import is_video
from stages.etl.workspace import disk_errors
from stages.privacy import claim
from stages.runtime.errors import ConfigError, DataError, InfrastructureError
from stages.runtime.files import write
from stages.settings import Settings
from stages.studio.rendering import NotFound

MOST_FILES = 100_000
MOST_LIST_BYTES = 30_000_000  # of the list of an upload's files, as JSON
CHUNK_BYTES = 8 * 2**20
COPIES = 3  # of the data on the disk until it is kept: the upload, a copy that is read, the cache
SPARE_BYTES = 200 * 2**20  # that stay free
DAYS = 7  # for which an upload that nobody finished stays
UPLOAD_ID = re.compile(r"[0-9a-f]{16}")
CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f]")
RECORD, FILES, PREPARED = "upload.json", "files", "prepared"


class OffsetMismatch(Exception):
    """A chunk does not begin where the file ends on the server, which has `received` bytes."""

    def __init__(self, received: int) -> None:
        self.received = received


class UploadFile(NamedTuple):
    """A file of an upload: its path within, with / between parts, and its size in bytes."""

    name: str
    size: int


class Upload(NamedTuple):
    """An upload in its folder."""

    id: str
    folder: Path
    files: tuple[UploadFile, ...]

    def path(self, index: int) -> Path:
        """Where the file with that index is, or will be. Raises NotFound."""
        if not 0 <= index < len(self.files):
            raise NotFound("The upload has no such file.", "Load the page again.")
        return self.folder / FILES / self.files[index].name

    def received(self, index: int) -> int:
        """How many bytes of the file have come."""
        try:
            return self.path(index).stat().st_size
        except FileNotFoundError:
            return 0

    @property
    def bytes(self) -> int:
        """The bytes of all files together."""
        return sum(file.size for file in self.files)

    @property
    def missing(self) -> int:
        """How many files are not complete."""
        return sum(self.received(place) < file.size for place, file in enumerate(self.files)) + sum(
            not file.size and not self.path(place).exists() for place, file in enumerate(self.files)
        )

    @property
    def source(self) -> Path:
        """What `aiwf data add` would be given: what was prepared of the files, such as pictures of
        videos; else a single zip or table, or the folder of all."""
        if (self.folder / PREPARED).is_dir():
            return self.folder / PREPARED
        single = self.files[0].name.lower() if len(self.files) == 1 else ""
        return self.path(0) if single.endswith((".zip", ".csv")) else self.folder / FILES

    @property
    def videos(self) -> int:
        """How many videos there are, also in a zip, of which no frames were taken yet."""
        if self.source.name == PREPARED:
            return 0
        names = [file.name for file in self.files]
        if self.source.suffix.lower() == ".zip":
            names = _names_in(self.source)
        return sum(is_video(name) for name in names)

    @property
    def title(self) -> str:
        """The name of the single file, or of the folder that all files are in."""
        tops = {file.name.partition("/")[0] for file in self.files}
        return next(iter(tops)) if len(tops) == 1 else ""


def _names_in(archive: Path) -> list[str]:
    """The names in a zip; none if it cannot be read, as then reading it will tell why."""
    try:
        with zipfile.ZipFile(archive) as opened:
            return opened.namelist()
    except (OSError, ValueError, *BROKEN):
        return []


def create(files: Sequence[UploadFile], settings: Settings) -> Upload:
    """Begin an upload of `files`, whose names are checked.

    Raises DataError for a bad list, InfrastructureError if the disk has too little room."""
    check_files(files)
    claim(settings.root)
    sweep(settings)
    total = sum(file.size for file in files)
    with disk_errors(settings.root):
        home = _home(settings)
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
        needed, free = COPIES * total + SPARE_BYTES, shutil.disk_usage(home).free
        if needed > free:
            raise InfrastructureError(
                f"These files have {total / 1e6:,.0f} MB; to bring them, {needed / 1e6:,.0f} MB "
                f"have to be free on the disk of {settings.root}, and {free / 1e6:,.0f} MB are.",
                "Free some disk space, or bring fewer files at a time.",
            )
        upload = Upload(secrets.token_hex(8), home, tuple(files))
        upload = upload._replace(folder=home / upload.id)
        (upload.folder / FILES).mkdir(parents=True)
        record = {"files": [list(file) for file in files]}
        write(upload.folder / RECORD, json.dumps(record, ensure_ascii=False))
        for place, file in enumerate(files):
            if not file.size:
                append(upload, place, 0, b"")
    return upload


def check_files(files: Sequence[UploadFile]) -> None:
    """Raise DataError for a list that is empty, too long, or names a file twice or badly."""
    if not files:
        raise DataError("There is no file to bring.", "Choose a zip, a folder, or files.")
    if len(files) > MOST_FILES:
        raise DataError(
            f"These are {len(files):,} files, and {MOST_FILES:,} may come one by one.",
            "Put them into a zip.",
        )
    for file in files:
        if problem := _name_problem(file.name):
            raise DataError(
                f"'{CONTROLS.sub('?', file.name)[:120]}' {problem}.", "Rename it, and try again."
            )
        if file.size < 0:
            raise DataError(f"'{file.name}' has no size.", "Choose the files again.")
    names = {file.name for file in files}
    folders = {
        "/".join(parts[:end])
        for parts in (name.split("/") for name in names)
        for end in range(1, len(parts))
    }
    if len(names) < len(files) or names & folders:
        raise DataError("Two of the files have the same name.", "Bring them in different folders.")
    if len(files) > 1 and any(name.lower().endswith(".zip") for name in names):
        raise DataError("There is a zip among several files.", "Bring a zip alone.")


def _name_problem(name: str) -> str:
    """Why `name` cannot be a file in the upload's folder; '' if it can."""
    parts = name.split("/")
    try:
        encoded = [part.encode() for part in parts]
    except UnicodeEncodeError:
        return "is not a name in Unicode"
    if any(part in ("", ".", "..") for part in parts) or "\\" in name or ":" in parts[0][:2]:
        return "is not the name of a file within a folder"
    if CONTROLS.search(name):
        return "has control characters in its name"
    if max(map(len, encoded)) > LONGEST_NAME or len(name.encode()) > LONGEST_PATH:
        return "has too long a name"
    return ""


def find(id: str, settings: Settings) -> Upload:
    """The upload `id`. Raises NotFound."""
    folder = _home(settings) / id
    if UPLOAD_ID.fullmatch(id):
        with suppress(OSError, ValueError, KeyError, TypeError):
            record = json.loads((folder / RECORD).read_text(encoding="utf-8"))
            files = tuple(UploadFile(str(name), int(size)) for name, size in record["files"])
            return Upload(id, folder, files)
    raise NotFound("There is no such upload any more.", "Bring the data again.")


def unfinished(settings: Settings) -> list[Upload]:
    """The uploads that were not kept yet, the newest first."""
    folders = [path.parent for path in _home(settings).glob(f"*/{RECORD}")]
    found = []
    for folder in sorted(folders, key=lambda folder: folder.stat().st_mtime, reverse=True):
        with suppress(NotFound):
            found.append(find(folder.name, settings))
    return found


def append(upload: Upload, index: int, offset: int, data: bytes) -> int:
    """Write `data` at the end of the file `index`, and return how many bytes it then has.

    Raises OffsetMismatch unless `offset` is where it ends, DataError if it would get longer than
    announced, InfrastructureError if the disk is full."""
    path, size = upload.path(index), upload.files[index].size
    with disk_errors(upload.folder):
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            end = file.seek(0, os.SEEK_END)
            if end != offset:
                raise OffsetMismatch(end)
            if end + len(data) > size:
                raise DataError(
                    f"'{upload.files[index].name}' is longer than the {size:,} bytes that were "
                    "announced.",
                    "It was changed meanwhile: choose the files again.",
                )
            file.write(data)
            return end + len(data)


def check_complete(upload: Upload) -> None:
    """Raise ConfigError unless every file has come whole."""
    if upload.missing:
        raise ConfigError(
            f"{upload.missing} of {len(upload.files)} files are not complete.",
            "Choose the same files again: only what is missing is sent.",
        )


def remove(upload: Upload) -> None:
    """Remove the upload's files."""
    shutil.rmtree(upload.folder, ignore_errors=True)


def sweep(settings: Settings, now: float | None = None) -> None:
    """Remove uploads that nobody touched for DAYS."""
    oldest = (time.time() if now is None else now) - DAYS * 86400
    for folder in _home(settings).glob("*"):
        with suppress(OSError):
            if UPLOAD_ID.fullmatch(folder.name) and _touched(folder) < oldest:
                shutil.rmtree(folder, ignore_errors=True)


def facts(upload: Upload) -> dict[str, Any]:
    """The upload for a script: its id, and how many bytes of each file have come."""
    counts = [upload.received(place) for place in range(len(upload.files))]
    return {"id": upload.id, "chunk": CHUNK_BYTES, "received": counts}


def _touched(folder: Path) -> float:
    return max(path.stat().st_mtime for path in (folder, *folder.glob(f"{FILES}/*")))


def _home(settings: Settings) -> Path:
    return settings.root / "studio" / "uploads"
