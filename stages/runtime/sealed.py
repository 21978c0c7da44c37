"""A package's seal: SHA256SUMS lists every file with its digest, and ends with its own.

The format is that of `sha256sum --check`; the last line is a comment to that command."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from .errors import Damaged

SEAL = "SHA256SUMS"
DESCRIPTION = "package.json"
CODE = {".py", ".pyc", ".pyd", ".so", ".dll", ".dylib", ".pth"}
REMEDY = "Copy or make the package again; do not use this one."


def seal(files: Mapping[str, bytes]) -> bytes:
    """The content of SHA256SUMS for `files`, by relative name."""
    lines = [f"{hashlib.sha256(files[name]).hexdigest()}  {name}\n" for name in sorted(files)]
    body = "".join(lines).encode()
    return body + f"# {hashlib.sha256(body).hexdigest()}\n".encode()


def check(folder: Path) -> list[str]:
    """The names of the package's files, once each of them has been found to be what was sealed.

    Raises Damaged, naming the file. Other files may lie in the folder, unless they are code."""
    digests = _digests(folder)
    for name, digest in digests.items():
        if hashlib.sha256(_read(folder, name)).hexdigest() != digest:
            raise Damaged(f"{name} in the package is not what was packed.", REMEDY)
    _refuse_foreign_code(folder, set(digests))
    return list(digests)


def description_of(folder: Path) -> dict[str, Any]:
    """What package.json in `folder` says, after `check`. Raises Damaged if it cannot be trusted."""
    if not (folder / SEAL).is_file():
        raise Damaged(f"There is no package in {folder}: {SEAL} is missing.", REMEDY)
    sealed = check(folder)
    if DESCRIPTION not in sealed:
        raise Damaged(f"{DESCRIPTION} is not sealed.", REMEDY)
    description: dict[str, Any] = json.loads(_read(folder, DESCRIPTION))
    if description["model"] not in sealed:
        raise Damaged(f"The network {description['model']} is not sealed.", REMEDY)
    return description


def _digests(folder: Path) -> dict[str, str]:
    data = _read(folder, SEAL)
    end = data.rfind(b"# ")
    body, last = data[:end], data[end:]
    if end < 0 or last != f"# {hashlib.sha256(body).hexdigest()}\n".encode():
        raise Damaged(f"{SEAL} in the package is not what was packed.", REMEDY)
    pairs = (line.split("  ", 1) for line in body.decode().splitlines())
    return {_inside(name): digest for digest, name in pairs}


def _inside(name: str) -> str:
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or "\\" in name:
        raise Damaged(f"{SEAL} names '{name}', which is outside the package.", REMEDY)
    return name


def _read(folder: Path, name: str) -> bytes:
    try:
        return (folder / name).read_bytes()
    except OSError as error:
        raise Damaged(f"{name} in the package cannot be read: {error.strerror}.", REMEDY) from error


def _refuse_foreign_code(folder: Path, sealed: set[str]) -> None:
    # Python writes __pycache__ itself; anything else that can run was put there by somebody.
    for path in folder.rglob("*"):
        name = path.relative_to(folder)
        known = name.as_posix() in sealed or "__pycache__" in name.parts
        if path.suffix in CODE and not known:
            raise Damaged(f"{name} is code that does not belong to the package.", REMEDY)
