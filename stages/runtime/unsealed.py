"""Finds code in a package's folder that its seal does not list, before it could be imported.

Imports only modules that Python itself loads before a program begins, as code in the folder could
shadow any other."""

import os
import stat

from .errors import Damaged

SEAL = "SHA256SUMS"
# Opening a pipe does not block, and bytes are not translated; other systems do not need the flags.
QUICK = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
REMEDY = "Copy or make the package again; do not use this one."
MOVE = "Move it out of the package's folder: put into it nothing but samples."
CODE = (".py", ".pyc", ".pyo", ".pyw", ".pyd", ".so", ".dll", ".dylib", ".pth", ".pyz", ".egg")
CACHE = "__pycache__"
MOST_ENTRIES = 100_000  # files in the folder, a person's own ones included
DEEPEST = 32  # folders in folders
MOST_SEAL = 10_000_000  # bytes of SHA256SUMS


def is_code(name: str) -> bool:
    """Whether Python or the system could run a file of this `name`. Ignores case, as some file
    systems do (x.PY), and accepts versions of libraries (x.so.1.2)."""
    name = name.lower()
    return name.rstrip("0123456789.").endswith(".so") or name.endswith(CODE)


def refuse_unsealed_code(folder: str, sealed: frozenset[str]) -> None:
    """Raise Damaged if anything below `folder` is code, or neither a file nor a folder, and not
    among `sealed`, names relative to `folder`. Opens no file and follows no link.

    .pyc files in __pycache__, which Python writes itself, are allowed here; bytecode.py
    checks them."""
    waiting, count = [("", 0)], 0
    while waiting:
        below, depth = waiting.pop()
        for entry in _entries(os.path.join(folder, below)):
            name, count = f"{below}{entry.name}", count + 1
            if count > MOST_ENTRIES or depth > DEEPEST:
                raise Damaged(
                    f"The package's folder holds more than {MOST_ENTRIES} files, or folders nested "
                    f"deeper than {DEEPEST}.",
                    "Keep the package in a folder of its own.",
                )
            if entry.is_dir(follow_symlinks=False):
                waiting.append((f"{name}/", depth + 1))
            else:
                _check_file(entry, name, below, sealed)


def spelled(name: str) -> str:
    """`name` for a message, with control characters escaped."""
    return name if name.isprintable() else ascii(name)


def _entries(path: str) -> "list[os.DirEntry[str]]":
    try:
        with os.scandir(path) as found:
            return list(found)
    except OSError as error:
        raise Damaged(f"{path} cannot be read: {error.strerror}.", REMEDY) from error


def _check_file(entry: "os.DirEntry[str]", name: str, below: str, sealed: frozenset[str]) -> None:
    if entry.is_symlink():
        if name in sealed or is_code(entry.name) or os.path.isdir(entry.path):
            raise Damaged(
                f"{spelled(name)} in the package is a link.", REMEDY if name in sealed else MOVE
            )
        return
    if not stat.S_ISREG(entry.stat(follow_symlinks=False).st_mode):
        raise Damaged(f"{spelled(name)} in the package is neither a file nor a folder.", MOVE)
    cached = below.endswith(f"{CACHE}/") and entry.name.endswith(".pyc")
    if is_code(entry.name) and name not in sealed and not cached:
        raise Damaged(f"{spelled(name)} is code that does not belong to the package.", MOVE)


def refuse_code_beside(folder: str) -> None:
    """`refuse_unsealed_code` with the names that the seal in `folder` lists, without checking
    digests.

    Call it before any library is imported, as a module in the folder may have a library's name. A
    folder without a seal is no package; nothing is refused there."""
    try:
        with open(os.open(os.path.join(folder, SEAL), os.O_RDONLY | QUICK), "rb") as file:
            lines = file.read(MOST_SEAL).decode("utf-8", "replace").splitlines()
    except OSError:
        return
    names = (line.partition("  ")[2] for line in lines)
    refuse_unsealed_code(folder, frozenset(name for name in names if name))
