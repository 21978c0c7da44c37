"""Packages as folders and as zip files: out of the store, and back from a person's disk."""

import os
import secrets
import shutil
import stat
import zipfile
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from stages.artifacts import Package
from stages.deploy.packed import write_folder
from stages.runtime.errors import Damaged, InfrastructureError
from stages.runtime.files import beside
from stages.runtime.sealed import SEAL, check
from stages.store import Store

MOST_BYTES = 2_000_000_000  # of an unpacked zip
BEGINNING = (1980, 1, 1, 0, 0, 0)  # a zip file wants a date


def unpack(package: Package, store: Store, folder: Path) -> Path:
    """Write the files of `package` to `folder`, whole or not at all, and return it.

    A whole one that is there already is left alone. Raises Damaged if something else is there,
    InfrastructureError if it cannot be written."""
    files = {name: store.get(digest) for name, digest in package.files.items()}
    if folder.exists():
        return _same(folder, files)
    draft = folder.with_name(f".{folder.name[:80]}.{secrets.token_hex(6)}.part")
    try:
        write_folder(draft, files)
        os.replace(draft, folder)
    except OSError as error:
        if folder.exists():  # another process was first
            return _same(folder, files)
        raise InfrastructureError(
            f"Cannot write {folder}: {error.strerror}.", "Free some disk space, or choose another."
        ) from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return folder


def zipped(package: Package, store: Store, path: Path) -> Path:
    """Write `package` to `path` as a zip file; equal packages make equal bytes."""
    with beside(path) as draft, zipfile.ZipFile(draft, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, digest in sorted(package.files.items()):
            entry = zipfile.ZipInfo(name, BEGINNING)
            archive.writestr(entry, store.get(digest), zipfile.ZIP_DEFLATED)
    return path


def unzip(path: Path, folder: Path) -> Path:
    """Write the zip file at `path` to the empty `folder`; the package's own folder within it.

    Raises Damaged if it is no zip file, is huge, or reaches outside of `folder`."""
    try:
        with zipfile.ZipFile(path) as archive:
            _check_entries(path, archive.infolist())
            archive.extractall(folder)
    except (zipfile.BadZipFile, zipfile.LargeZipFile, EOFError, NotImplementedError) as error:
        raise _bad(path, str(error)) from error
    seals = sorted(folder.rglob(SEAL), key=lambda found: len(found.parts))
    if not seals:
        raise _bad(path, f"there is no {SEAL} in it")
    return seals[0].parent


def _same(folder: Path, files: Mapping[str, bytes]) -> Path:
    seal = folder / SEAL
    if not seal.is_file() or seal.read_bytes() != files.get(SEAL):
        raise Damaged(
            f"{folder} is there, and is not this package.", "Move it away, then try again."
        )
    check(folder)
    return folder


def _check_entries(path: Path, entries: list[zipfile.ZipInfo]) -> None:
    if sum(one.file_size for one in entries) > MOST_BYTES:
        raise _bad(path, f"it holds more than {MOST_BYTES} bytes")
    for one in entries:
        name = PurePosixPath(one.filename)
        if name.is_absolute() or ".." in name.parts or stat.S_ISLNK(one.external_attr >> 16):
            raise _bad(path, f"it reaches outside with '{one.filename}'")


def _bad(path: Path, why: str) -> Damaged:
    return Damaged(f"{path} is not a zipped package: {why}.", "Make or copy it again.")
