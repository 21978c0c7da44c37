"""The only access to DVC: a workspace for each use, one shared cache, a remote if there is one.

A DVC repository allows one writer at a time; separate workspaces do not block each other."""

import errno
import os
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from fcntl import LOCK_EX, LOCK_NB, flock
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml

from stages.etl.catalogue import folder_of
from stages.faults import FREE, WRITABLE, as_ours
from stages.privacy import claim
from stages.runtime.errors import InfrastructureError
from stages.settings import Settings

DATA = "data"
GONE = "It was moved or removed meanwhile, or a link leads to it: put it there, and try again."
REMEDIES = {errno.ENOENT: GONE, errno.EISDIR: GONE}
YOUNG = 60  # seconds for which a new workspace may have no lock yet


@contextmanager
def workspace(settings: Settings) -> Iterator[Path]:
    """An empty DVC workspace, removed at the end, as are those that killed processes left."""
    home = folder_of(settings) / "work"
    with disk_errors(home):
        claim(settings.root)
        home.mkdir(parents=True, exist_ok=True)
        _sweep(home)
        folder = home / secrets.token_hex(6)
        lock_path = folder.with_suffix(".lock")
        with lock_path.open("a") as lock:
            flock(lock, LOCK_EX)  # before others could take it for an abandoned workspace
            (folder / ".dvc").mkdir(parents=True, mode=0o700)
            lock_path.rename(folder / "lock")
            try:
                yield folder
            finally:
                shutil.rmtree(folder, ignore_errors=True)


def keep(folder: Path, settings: Settings) -> str:
    """Store folder/data in the cache, and in the remote if there is one; return its revision."""
    with repository(folder, settings) as repo:
        repo.add(str(folder / DATA))
        if settings.dvc_remote:
            repo.push()
    written = yaml.safe_load((folder / "data.dvc").read_text(encoding="utf-8"))
    return str(written["outs"][0]["md5"])


def fetch(folder: Path, revision: str, settings: Settings) -> Path:
    """Write the files of `revision` to folder/data, from the cache or else from the remote."""
    out = {"md5": revision, "hash": "md5", "path": DATA}
    (folder / "data.dvc").write_text(yaml.safe_dump({"outs": [out]}), encoding="utf-8")
    with repository(folder, settings) as repo:
        if settings.dvc_remote and not _is_stored(revision, settings):
            repo.pull()
        else:
            repo.checkout()
    return folder / DATA


@contextmanager
def disk_errors(place: Path) -> Iterator[None]:
    """Raise InfrastructureError for a disk that is full, read-only or missing."""
    try:
        yield
    except OSError as error:
        disk_error = as_ours(error)
        raise InfrastructureError(
            f"Cannot use {error.filename or place}: {error.strerror or error}.",
            disk_error.remedy if disk_error else REMEDIES.get(error.errno or 0, WRITABLE),
        ) from error


@contextmanager
def repository(folder: Path, settings: Settings) -> Iterator[Any]:
    os.environ["DVC_NO_ANALYTICS"] = "1"
    from dvc.repo import Repo

    try:
        with (
            TemporaryDirectory(prefix="aiwf-") as links,
            Repo(str(folder), config=_config(folder, settings, Path(links))) as repo,
        ):
            yield repo
    except Exception as error:  # errors of DVC, of the disk, of S3 and of DVC's libraries
        disk_error = as_ours(error)
        if disk_error and disk_error.remedy in (FREE, WRITABLE):  # of the disk
            raise disk_error from error
        raise InfrastructureError(
            f"DVC could not store or fetch the data: {_reason(error)}.",
            "Check AIWF_DVC_REMOTE, AIWF_S3_ENDPOINT and its keys, and the disk. If files of the "
            "revision are gone, `aiwf data add` the same folder again: equal content has an equal "
            "revision.",
        ) from error


def _reason(error: Exception) -> str:
    """The message of DVC's error and of its cause, as its own may only say that something
    failed."""
    reasons = [str(cause).partition("\n")[0][:200] for cause in (error, error.__cause__) if cause]
    return ": ".join(dict.fromkeys(filter(None, reasons))).rstrip(".") or type(error).__name__


def _is_stored(revision: str, settings: Settings) -> bool:
    """Whether the cache has the list of `revision` and every file in it."""
    import json

    cache = folder_of(settings) / "cache" / "files" / "md5"
    listed = cache / revision[:2] / revision[2:]
    if not listed.is_file():
        return False
    digests = {str(record["md5"]) for record in json.loads(listed.read_text(encoding="utf-8"))}
    return all((cache / digest[:2] / digest[2:]).is_file() for digest in digests)


def _config(folder: Path, settings: Settings, links: Path) -> dict[str, Any]:
    """DVC's configuration, handed over as values: in the syntax of its file a # in a path or a
    secret begins a comment, and a comma a list. `links`: an empty folder."""
    data = _plainly_named(folder_of(settings), links / "data")
    config: dict[str, Any] = {
        "core": {
            "analytics": False,
            "no_scm": True,
            "site_cache_dir": str(data / "work" / folder.name / ".dvc" / "site"),
        },
        # A workspace's files are read and removed, never written, so links to the cache are safe.
        "cache": {
            "dir": str(data / "cache"),
            "type": ["reflink", "hardlink", "copy"],
        },
    }
    if settings.dvc_remote:
        config["core"]["remote"] = "store"
        config["remote"] = {"store": _remote(settings, links)}
    return config


def _plainly_named(place: Path, link: Path) -> Path:
    """`place`, or a `link` to it if its name has signs in whose place DVC's libraries put values:
    those of variables for $, their own for braces."""
    if not set(str(place)) & set("${}"):
        return place
    link.symlink_to(place)
    return link


def _remote(settings: Settings, links: Path) -> dict[str, str]:
    if "://" not in settings.dvc_remote:
        place = Path(settings.dvc_remote).absolute()
        return {"url": str(_plainly_named(place, links / "remote"))}
    if not settings.dvc_remote.startswith("s3://"):
        return {"url": settings.dvc_remote}
    found = {
        "url": settings.dvc_remote,
        "endpointurl": settings.s3_endpoint,
        "access_key_id": settings.s3_access_key.get_secret_value(),
        "secret_access_key": settings.s3_secret_key.get_secret_value(),
    }
    return {key: value for key, value in found.items() if value}


def _sweep(home: Path) -> None:
    """Remove abandoned workspaces: those whose lock nobody holds. The lock may still be beside the
    folder, or missing, if its process was killed early."""
    for path in list(home.iterdir()):
        with suppress(OSError):
            inside, outside = path / "lock", path.with_suffix(".lock")
            if not inside.exists() and time.time() - path.stat().st_mtime < YOUNG:
                continue  # it may be about to be locked
            lock = next((candidate for candidate in (inside, outside) if candidate.exists()), path)
            with _opened(lock) as lock_file:
                flock(lock_file, LOCK_EX | LOCK_NB)
                shutil.rmtree(path, ignore_errors=True)
                outside.unlink(missing_ok=True)


@contextmanager
def _opened(path: Path) -> Iterator[int]:
    """The file descriptor of the open file or folder at `path`."""
    number = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        yield number
    finally:
        os.close(number)
