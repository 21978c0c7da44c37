"""A package's seal: SHA256SUMS lists the digest of every file and ends with a digest of the list.

The format is that of `sha256sum --check`, for which the last line is a comment. The seal guards
against damage and mix-ups: changed, missing or exchanged files, and added code. It does not guard
against somebody who can write to the folder, and so replace the seal."""

import hashlib
import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO

from .bytecode import check_bytecode
from .errors import Damaged
from .unsealed import MOST_SEAL, REMEDY, refuse_unsealed_code, spelled
from .unsealed import SEAL as SEAL

MOST_FILES = 10_000
CHUNK = 2**20
DIGITS = set("0123456789abcdef")


def seal(files: Mapping[str, bytes]) -> bytes:
    """The content of SHA256SUMS for `files`, by relative name."""
    lines = [f"{hashlib.sha256(files[name]).hexdigest()}  {name}\n" for name in sorted(files)]
    body = "".join(lines).encode()
    return body + f"# {hashlib.sha256(body).hexdigest()}\n".encode()


def check(folder: Path) -> list[str]:
    """Check every file of the package against the seal, and return the files' names.

    Raises Damaged, naming the file. The folder may hold further files, unless they are code. Only
    regular files are read."""
    digests = _digests(folder)
    refuse_unsealed_code(str(folder), frozenset({SEAL, *digests}))
    for name, digest in digests.items():
        if _digest_of(folder, name) != digest:
            raise Damaged(f"{name} in the package is not what was packed.", REMEDY)
    sources = {name: read(folder, name) for name in digests if name.endswith(".py")}
    check_bytecode(folder, sources)
    return list(digests)


def read(folder: Path, name: str, most: int = 100_000_000) -> bytes:
    """The file `name` of the package, of at most `most` bytes. Raises Damaged."""
    with _opened(folder, name) as file:
        data = file.read(most + 1)
    if len(data) > most:
        raise Damaged(f"{name} in the package has more than {most} bytes.", REMEDY)
    return data


def _digests(folder: Path) -> dict[str, str]:
    if not (folder / SEAL).is_file():
        raise Damaged(f"There is no package in {folder}: {SEAL} is missing.", REMEDY)
    data = read(folder, SEAL, MOST_SEAL)
    end = data.rfind(b"# ")
    body, last = data[:end], data[end:]
    if end < 0 or last != f"# {hashlib.sha256(body).hexdigest()}\n".encode():
        raise Damaged(f"{SEAL} in the package is not what was packed.", REMEDY)
    return _listed(body)


def _listed(body: bytes) -> dict[str, str]:
    """The digest of each name in the lines of the seal: digest, two spaces, name."""
    try:
        lines = body.decode("utf-8").split("\n")[:-1]
    except UnicodeDecodeError as error:
        raise Damaged(f"{SEAL} in the package is no text: {error}.", REMEDY) from error
    if len(lines) > MOST_FILES:
        raise Damaged(f"{SEAL} lists more than {MOST_FILES} files.", REMEDY)
    digests: dict[str, str] = {}
    for number, line in enumerate(lines, 1):
        digest, _, name = line.partition("  ")
        if len(digest) != 64 or not set(digest) <= DIGITS or not name:
            raise Damaged(f"{SEAL}, line {number}, is no digest with a name.", REMEDY)
        if name in digests:
            raise Damaged(f"{SEAL} names {spelled(name)} twice.", REMEDY)
        digests[_inside(name)] = digest
    return digests


def _inside(name: str) -> str:
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or "\\" in name:
        raise Damaged(f"{SEAL} names {spelled(name)}, which is outside the package.", REMEDY)
    if str(path) != name or not name.isprintable():
        raise Damaged(f"{SEAL} names {spelled(name)}, which is no plain name of a file.", REMEDY)
    return name


def _digest_of(folder: Path, name: str) -> str:
    digest = hashlib.sha256()
    with _opened(folder, name) as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


@contextmanager
def _opened(folder: Path, name: str) -> Iterator[IO[bytes]]:
    """The file `name`, if it is a regular file; never blocks, as opening a pipe would."""
    try:
        with open(folder / name, "rb", opener=_opener) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise Damaged(f"{name} in the package is not a plain file.", REMEDY)
            yield file
    except OSError as error:
        raise Damaged(f"{name} in the package cannot be read: {error.strerror}.", REMEDY) from error


def _opener(path: str, flags: int) -> int:
    # neither flag exists on Windows, which has no such files in folders
    quick, straight = (getattr(os, name, 0) for name in ("O_NONBLOCK", "O_NOFOLLOW"))
    return os.open(path, flags | quick | straight)
