"""Finds the files of a user's folder by the names that annotations of any tool give them."""

import codecs
import io
import json
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from functools import cached_property
from os.path import splitext
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from stages.config.text_file import decoded
from stages.etl.readers.rows import Reading, Row
from stages.etl.readers.split_names import SPLITS, split_named
from stages.etl.readers.walking import walk
from stages.runtime.errors import DataError

PICTURES = frozenset(
    [
        ".jpg",
        ".jpeg",
        ".jfif",
        ".jpe",
        ".png",
        ".gif",
        ".bmp",
        ".tif",
        ".tiff",
        ".webp",
        ".ppm",
        ".avif",
        ".jp2",
        ".mpo",
        ".heic",
        ".heif",
    ]
)
MOST_BYTES = 500_000_000
MOST_LISTED = 20  # problems of one folder
LOCAL = "local-files/?d="  # what Label Studio puts before a path on its server
UPLOADED = re.compile(r"[0-9a-f]{8}-(?=.)")  # the prefix that Label Studio gives to uploads
SIDEWAYS = (5, 6, 7, 8)  # EXIF orientations that swap width and height
ORIENTATION = 0x0112
WIDTH, HEIGHT = 256, 257  # TIFF's tags of the sides as they are stored


class Files:
    """Every file below `folder`, by name: relative to it, with / between parts.

    The folder is walked once, here; all readers are given the same Files. `unread`: what the walk
    leaves out, by the reason."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.names, self.unread = walk(folder)

    @cached_property
    def _whole(self) -> dict[str, list[str]]:
        """The names of each plain path."""
        return _grouped((_plain(name), name) for name in self.names)

    @cached_property
    def _last(self) -> dict[str, list[str]]:
        """The names of each plain name without folders."""
        return _grouped(
            (plain.rpartition("/")[2], name)
            for plain, names in self._whole.items()
            for name in names
        )

    @cached_property
    def _stems(self) -> dict[str, list[str]]:
        """The names of each plain stem: without folders and suffix."""
        return _grouped((_plain(PurePosixPath(name).stem), name) for name in self.names)

    @cached_property
    def _pictures(self) -> list[str]:
        return [name for name in self.names if splitext(name)[1].lower() in PICTURES]

    def ending(self, *suffixes: str) -> list[str]:
        """The files whose names end so, sorted."""
        return [name for name in self.names if name.lower().endswith(suffixes)]

    def pictures(self) -> list[str]:
        """The names of the files with a suffix of pictures, sorted."""
        return self._pictures

    def reading(
        self, rows: Iterable[Row], tables: Iterable[str], notes: Iterable[str] = ()
    ) -> Reading:
        """The reading of this folder: `rows`, the annotation files `tables`, and every other file
        as ignored."""
        samples, annotation_files = tuple(rows), {name: name for name in tables}
        used = {*annotation_files, *(row.file for row in samples)}
        ignored = tuple(name for name in self.names if name not in used)
        return Reading(samples, annotation_files, ignored, notes=tuple(notes))

    def at(self, name: str) -> list[str]:
        """The files at the path `name`; case and Unicode form are ignored."""
        return self._whole.get(_plain(name), [])

    def find(self, called: str, near: Iterable[str] = ()) -> list[str]:
        """The files that `called` may mean: the path in one of the folders `near` or in the whole
        folder, else all files with that name. Case, Unicode form and a URL prefix are ignored.

        Only files below the folder are found, whatever `called` is."""
        for name in _spellings(called):
            for place in dict.fromkeys([*near, ""]):
                whole = f"{place}/{name}" if place else name
                if found := self._whole.get(_plain(whole), []):
                    return [whole] if whole in found else found
        for name in _spellings(called):
            if found := self._last.get(_plain(name).rpartition("/")[2], []):
                return found
        return []

    def called(self, stem: str) -> list[str]:
        """The files whose names without folders and suffix are `stem`, for tables that leave the
        suffix out."""
        return self._stems.get(_plain(stem).rpartition("/")[2], [])


def _grouped(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """The names of each key, in the order of `pairs`."""
    found: dict[str, list[str]] = defaultdict(list)
    for key, name in pairs:
        found[key].append(name)
    return found


def _plain(name: str) -> str:
    """`name` in the form in which names are compared."""
    parts = [part for part in name.replace("\\", "/").split("/") if part not in ("", ".")]
    return unicodedata.normalize("NFC", "/".join(parts)).casefold()


def _spellings(called: str) -> list[str]:
    """`called` itself, and the names that it means if it is a URL or the name of an upload."""
    address = _address(called)
    found = [called]
    if LOCAL in called:  # as it is written, since a name may contain & or +
        found += [called.partition(LOCAL)[2], unquote(called.partition(LOCAL)[2])]
    if address is not None:
        found += [parse_qs(address.query).get("d", [""])[0], unquote(address.path).lstrip("/")]
    found += [unquote(name) for name in found[:1] if "%" in name]
    last = [name.replace("\\", "/").rpartition("/")[2] for name in found]
    found += [UPLOADED.sub("", name, count=1) for name in last if UPLOADED.match(name)]
    return [name for name in dict.fromkeys(found) if name and "\0" not in name]


def _address(called: str) -> SplitResult | None:
    if "://" not in called and not called.startswith("/data/"):
        return None
    try:
        return urlsplit(called)
    except ValueError:  # such as a broken IPv6 address
        return None


def split_of(name: str) -> str:
    """The split that a folder on the path `name` is named after, or ''."""
    named = (split_named(part) for part in PurePosixPath(name).parts[:-1])
    return next((split for split in named if split), "")


def split_in(stem: str) -> str:
    """The split that a part of `stem` names, as in instances_train2017, or ''."""
    parts = re.split(r"[^a-z]+", stem.lower())
    return next((SPLITS[part] for part in parts if part in SPLITS), "")


def size_of(path: Path) -> tuple[int, int] | None:
    """Width and height of the picture at `path`, upright, from its header; None if unreadable."""
    from PIL import Image

    from stages.runtime.heic import can_read_heic, is_heic
    from stages.runtime.quiet import quiet

    data = path.read_bytes()
    if is_heic(data):
        can_read_heic()
    try:
        with quiet(), Image.open(io.BytesIO(data)) as image:
            width, height = image.size
            if image.format == "TIFF":  # newer versions of Pillow have turned this size already
                tags = image.tag_v2  # type: ignore[attr-defined]
                width, height = tags[WIDTH], tags[HEIGHT]
            turned = image.getexif().get(ORIENTATION) in SIDEWAYS
            return (height, width) if turned else (width, height)
    except Exception:  # of any kind: the inspection will report what is wrong with the picture
        return None


def bytes_of(folder: Path, name: str) -> bytes:
    """The bytes of the annotation `name`. Raises DataError if the file is too large."""
    path = folder / name
    if path.stat().st_size > MOST_BYTES:
        raise DataError(f"{name} is too large for an annotation.", "Is it another file?")
    return path.read_bytes()


def text_of(folder: Path, name: str) -> str:
    """The text of the file `name`. Raises DataError with the line that is not text."""
    data = bytes_of(folder, name)
    try:
        return decoded(data)
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise DataError(
            f"{name}, line {line}: this is not UTF-8 text.", "Save it as UTF-8."
        ) from None


def json_of(folder: Path, name: str) -> Any:
    """The content of the JSON file `name`. Raises DataError with the line of a syntax error, or for
    a key that is twice in an object: JSON would drop the first."""

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        table = dict(pairs)
        if len(table) < len(pairs):
            key = next(key for key, count in Counter(key for key, _ in pairs).items() if count > 1)
            of = f" (id {table['id']!r})"[:80] if "id" in table else ""
            raise DataError(
                f"{name}: the key '{key[:80]}' is twice in one object{of}.", "Keep one of the two."
            )
        return table

    try:
        return json.loads(text_of(folder, name), object_pairs_hook=once)
    except json.JSONDecodeError as error:
        raise DataError(
            f"{name}, line {error.lineno}, column {error.colno}: this is not JSON: {error.msg}.",
            "Export it again; it may have been cut off.",
        ) from None
    except DataError:
        raise
    except RecursionError:
        raise DataError(f"{name} is nested too deeply.", "Is it another file?") from None
    except ValueError:  # an integer of more than 4,300 digits
        raise DataError(f"{name} has a number that is far too long.", "Export it again.") from None


def mentions(path: Path, *patterns: bytes) -> bool:
    """Whether the file at `path` contains all of `patterns`; False for a file that is too large."""
    if path.stat().st_size > MOST_BYTES:
        return False
    data = path.read_bytes()
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        data = data.decode("utf-16", errors="replace").encode(errors="replace")
    return all(pattern in data for pattern in patterns)


def refuse(problems: Sequence[str], remedy: str) -> None:
    """Raise DataError with `problems`, if there are any."""
    if problems:
        remaining = len(problems) - MOST_LISTED
        listed = [*problems[:MOST_LISTED], *([f"and {remaining} more"] if remaining > 0 else [])]
        raise DataError("\n".join(listed), remedy)
