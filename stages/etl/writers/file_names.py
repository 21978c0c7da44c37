"""Names of exported files that are safe on every system, and different on each."""

import unicodedata
from pathlib import PurePosixPath

FORBIDDEN = frozenset('<>:"/\\|?*')
RESERVED = frozenset(
    ["con", "prn", "aux", "nul"] + [f"{port}{n}" for port in ("com", "lpt") for n in range(1, 10)]
)
MOST_BYTES = 200  # of a part; file systems take 255


class FileNames:
    """Gives each file a path that no other one has, whatever the case of letters, their Unicode
    form and, with `distinct_stems`, the suffixes."""

    def __init__(self, distinct_stems: bool) -> None:
        self._distinct_stems = distinct_stems
        self._taken: set[str] = set()

    def path(self, folder: str, name: str) -> str:
        """A path in `folder`, as near to `name` as is safe."""
        parts = [safe_part(part) for part in folder.split("/") if part]
        plain = PurePosixPath(safe_part(name))
        number = 1
        while True:
            last = f"{plain.stem}-{number}{plain.suffix}" if number > 1 else plain.name
            path = "/".join([*parts, last])
            key = str(PurePosixPath(path).with_suffix("")) if self._distinct_stems else path
            key = unicodedata.normalize("NFC", key).casefold()
            if key not in self._taken:
                self._taken.add(key)
                return path
            number += 1


def is_safe_part(name: str) -> bool:
    """Whether `name` can be a part of a path as it is."""
    return safe_part(name) == name


def safe_part(name: str) -> str:
    """`name` without what means something to a system: separators, dots and blanks at the ends,
    devices of Windows, what a terminal or a page would take for a command."""
    letters = [letter if _is_plain(letter) else "_" for letter in name]
    plain = "".join(letters).lstrip(". -").rstrip(". ")
    stem, dot, suffix = plain.rpartition(".")
    while len(f"{stem}{dot}{suffix}".encode()) > MOST_BYTES and len(stem) > 1:
        stem = stem[:-1]
    plain = f"{stem}{dot}{suffix}".encode()[:MOST_BYTES].decode(errors="ignore")
    if not plain or plain.partition(".")[0].lower() in RESERVED or plain.startswith("__"):
        return f"x{plain}"
    return plain


def _is_plain(letter: str) -> bool:
    return letter not in FORBIDDEN and letter.isprintable()
