"""Checks the .pyc files in a package's __pycache__ against its sources.

Python runs a cached .pyc file in place of the source. The seal covers only the sources, so a
damaged or exchanged .pyc file is found by compiling the source again."""

import importlib.util
import marshal
from collections.abc import Mapping
from pathlib import Path

from .errors import Damaged
from .unsealed import CACHE

HEADER = 16  # bytes: magic number, flags, then time and size of the source, or its hash
HASHED, CHECKED = 1, 2  # flags: has a hash of the source; Python compares it with the source's
REMEDY = "Delete it: Python makes another one."


def check_bytecode(folder: Path, sources: Mapping[str, bytes]) -> None:
    """Raise Damaged unless every .pyc file that this Python would run equals the compiled source.

    `sources`: the contents of the package's .py files, already checked against the seal, by their
    names relative to `folder`."""
    for name, source in sources.items():
        cached = Path(importlib.util.cache_from_source(str(folder / name)))
        if cached.is_file() and not _is_of(cached, source, folder / name):
            raise Damaged(f"{CACHE}/{cached.name} is not what Python makes of {name}.", REMEDY)


def _is_of(cached: Path, source: bytes, path: Path) -> bool:
    """Whether `cached` equals the compiled `source`, or is a file that Python would not run."""
    try:
        data = cached.read_bytes()
    except OSError:
        return False
    if data[:4] != importlib.util.MAGIC_NUMBER or _is_stale(data, source, path):
        return True
    compiled = compile(source, str(path), "exec", dont_inherit=True)
    try:
        return bool(marshal.loads(data[HEADER:]) == compiled)  # noqa: S302 - as Python did, importing it
    except Exception:  # a damaged file may raise anything, SystemError included
        return False


def _is_stale(data: bytes, source: bytes, path: Path) -> bool:
    """Whether Python would ignore and replace the .pyc file, because it was compiled from another
    source by modification time and size, or by hash."""
    flags = int.from_bytes(data[4:8], "little")
    if flags & HASHED:
        return bool(flags & CHECKED) and data[8:16] != importlib.util.source_hash(source)
    found = path.stat()
    stamp = (int(found.st_mtime) & 0xFFFFFFFF, found.st_size & 0xFFFFFFFF)
    return stamp != (int.from_bytes(data[8:12], "little"), int.from_bytes(data[12:16], "little"))
