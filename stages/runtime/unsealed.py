"""Code in a package's folder that is not the package's: found before any of it could be imported.

Imports nothing that such code could take the place of: only what Python itself has loaded before a
program begins."""

import os
import stat

from .errors import Damaged

SEAL = "SHA256SUMS"
# Opening a pipe does not wait, bytes stay as they are; a system without the flag needs none.
QUICK = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
REMEDY = "Copy or make the package again; do not use this one."
MOVE = "Move it out of the package's folder: put into it nothing but samples."
CODE = (".py", ".pyc", ".pyo", ".pyw", ".pyd", ".so", ".dll", ".dylib", ".pth", ".pyz", ".egg")
CACHE = "__pycache__"
MOST_ENTRIES = 100_000  # files in the folder, a person's own ones included
DEEPEST = 32  # folders in folders
MOST_SEAL = 10_000_000  # bytes of SHA256SUMS


def is_code(name: str) -> bool:
    """Whether Python or the system could run a file of this `name`, as some file systems tell
    capitals apart and some do not: x.PY, and x.so.1.2, too."""
    name = name.lower()
    return name.rstrip("0123456789.").endswith(".so") or name.endswith(CODE)


def refuse_unsealed_code(folder: str, sealed: frozenset[str]) -> None:
    """Raise Damaged if something lies below `folder` that can run, or that is neither a file nor a
    folder, and is not among `sealed`, names relative to it. Nothing is opened, no link followed.

    Of __pycache__, which Python fills itself, only .pyc files are let through here."""
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
    """`name` as it may stand in a message: control characters are written out."""
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
    """`refuse_foreign_code` for what the seal in `folder` lists, without a look at digests: to be
    called before a library is imported, as a module in the folder may have a library's name. Where
    there is no seal there is no package, and nothing to refuse."""
    try:
        with open(os.open(os.path.join(folder, SEAL), os.O_RDONLY | QUICK), "rb") as file:
            lines = file.read(MOST_SEAL).decode("utf-8", "replace").splitlines()
    except OSError:
        return
    names = (line.partition("  ")[2] for line in lines)
    refuse_unsealed_code(folder, frozenset(name for name in names if name))
