"""Writes packages from the store to a folder or a zip file."""

import os
import secrets
import shutil
import zipfile
from collections.abc import Mapping
from pathlib import Path

from stages.artifacts import Package
from stages.deploy.packed import write_folder
from stages.runtime.errors import Damaged, InfrastructureError
from stages.runtime.files import beside
from stages.runtime.sealed import SEAL, check
from stages.store import Store

BEGINNING = (1980, 1, 1, 0, 0, 0)  # zip entries need a date; a fixed one keeps the bytes equal


def unpack(package: Package, store: Store, folder: Path) -> Path:
    """Write the files of `package` to `folder`, whole or not at all, and return it.

    A whole one that is there already is left alone. Raises Damaged if something else is there,
    InfrastructureError if it cannot be written."""
    files = {name: store.get(digest) for name, digest in package.files.items()}
    if folder.exists():
        return _same(folder, files)
    try:
        write_whole(folder, files)
    except InfrastructureError:
        if folder.exists():  # another process was first
            return _same(folder, files)
        raise
    return folder


def write_whole(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write `files` to the new folder `folder`, whole or not at all.

    Raises InfrastructureError if it cannot be written, or is there already."""
    draft = folder.with_name(f".{folder.name[:80]}.{secrets.token_hex(6)}.part")
    try:
        write_folder(draft, files)
        os.replace(draft, folder)
    except OSError as error:
        raise InfrastructureError(
            f"Cannot write {folder}: {error.strerror}.", "Free some disk space, or choose another."
        ) from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def zipped(package: Package, store: Store, path: Path) -> Path:
    """Write `package` as a zip file to `path`, and return it; equal packages give equal bytes."""
    with beside(path) as draft, zipfile.ZipFile(draft, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, digest in sorted(package.files.items()):
            entry = zipfile.ZipInfo(name, BEGINNING)
            archive.writestr(entry, store.get(digest), zipfile.ZIP_DEFLATED)
    return path


def _same(folder: Path, files: Mapping[str, bytes]) -> Path:
    seal = folder / SEAL
    if not seal.is_file() or seal.read_bytes() != files.get(SEAL):
        raise Damaged(
            f"{folder} is there, and is not this package.", "Move it away, then try again."
        )
    check(folder)
    return folder
