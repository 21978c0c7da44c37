"""Unpacks an untrusted zip file: only into its folder, and within limits."""

import errno
import logging
import lzma
import shutil
import stat
import struct
import zipfile
import zlib
from collections import Counter
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from stages.etl.readers.csv_table import is_outside
from stages.etl.zip_names import STANDARD, UTF_8_FLAG, encoding_of, plain_name
from stages.runtime.errors import DataError

log = logging.getLogger("aiwf.archive")
MOST_FILES = 500_000
MOST_BYTES = 50 * 2**30
MOST_RATIO = 200  # pictures hardly compress; a zip bomb does, a thousandfold
FREE_BYTES = 100 * 2**20  # content up to this size is allowed at any ratio
LONGEST_NAME, LONGEST_PATH = 255, 2000  # bytes that usual file systems allow
BROKEN = (
    zipfile.BadZipFile,
    zipfile.LargeZipFile,
    NotImplementedError,
    EOFError,
    UnicodeDecodeError,
    OverflowError,
    struct.error,
    zlib.error,
    lzma.LZMAError,
)


def unpack(
    archive: Path,
    folder: Path,
    below: str = "",
    most_files: int = MOST_FILES,
    most_bytes: int = MOST_BYTES,
) -> None:
    """Unpack the zip at `archive`, or only its folder `below`, into the empty `folder`.

    Of `below` the last part of the name is kept: a/b gives b/... in `folder`.

    Raises DataError for a damaged zip, one with a password, names that lead out of the folder,
    links, a name that occurs twice, more files or bytes than `most_files` and `most_bytes`, or more
    content than a picture archive of this size can have."""
    try:
        with zipfile.ZipFile(archive, metadata_encoding=_encoding(archive)) as opened:
            members = {
                member: name
                for member in opened.infolist()
                if not (name := plain_name(member)).endswith("/")
            }
            _check(archive, members, most_files, most_bytes)
            prefix = len(below) - len(below.rpartition("/")[2])
            for member, name in members.items():
                if not below or name.startswith(f"{below}/"):
                    _write(opened, member, folder / name[prefix:])
    except BROKEN as error:
        raise _broken(archive, error) from error
    except OSError as error:
        # EINVAL: an offset before the file's beginning; errors of bz2 have no number
        if error.errno not in (errno.EINVAL, None):
            raise
        raise _broken(archive, error) from error


def _encoding(archive: Path) -> str:
    """The encoding of the names in `archive` that do not state one; a guess is told."""
    with zipfile.ZipFile(archive) as opened:
        members = opened.infolist()
    encoding = encoding_of(members, archive.name)
    guessed = [
        member.orig_filename.encode(STANDARD).decode(encoding)
        for member in members
        if not (member.flag_bits & UTF_8_FLAG or member.orig_filename.isascii())
    ]
    if guessed and encoding != "utf-8":
        log.warning(
            "%s does not say how its names are encoded: %d are read as %s, such as '%s'.",
            archive.name, len(guessed), encoding, guessed[0],
        )  # fmt: skip
    return encoding


def _broken(archive: Path, error: Exception) -> DataError:
    return DataError(
        f"{archive.name} is not a whole zip file: {error}.", "Make or download it again."
    )


def _check(
    archive: Path, members: Mapping[zipfile.ZipInfo, str], most_files: int, most_bytes: int
) -> None:
    outside = [name for name in members.values() if is_outside(name)]
    links = [name for member, name in members.items() if stat.S_ISLNK(member.external_attr >> 16)]
    locked = [name for member, name in members.items() if member.flag_bits & 1]
    counted = Counter(members.values())
    twice = [name for name, count in counted.items() if count > 1]
    nameless = [name for name in counted if not PurePosixPath(name).parts]
    long = [name[:80] for name in members.values() if _is_too_long(name)]
    for names, what in (
        (long, f"has a part of more than {LONGEST_NAME} bytes, or more than {LONGEST_PATH} in all"),
        (outside, "leads out of the archive's folder"),
        (links, "is a link"),
        (locked, "has a password"),
        (twice, "is in it twice"),
        (nameless, "is not a file name"),
    ):
        if names:
            raise DataError(
                f"{archive.name}: '{names[0]}' {what} ({len(names)} such).",
                "Make the zip without such files.",
            )
    total = sum(member.file_size for member in members)
    most = min(most_bytes, max(FREE_BYTES, MOST_RATIO * archive.stat().st_size))
    if len(members) > most_files or total > most:
        raise DataError(
            f"{archive.name} would unpack to {len(members)} files with {total:,} bytes.",
            "Unpack it yourself if you trust it, and add the folder.",
        )


def _is_too_long(name: str) -> bool:
    data = name.encode("utf-8", "surrogatepass")
    return len(data) > LONGEST_PATH or any(len(part) > LONGEST_NAME for part in data.split(b"/"))


def _write(opened: zipfile.ZipFile, member: zipfile.ZipInfo, path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # zipfile stops at the size that the directory states, so a false size cannot exceed it.
        with opened.open(member) as source, path.open("xb") as target:
            shutil.copyfileobj(source, target, 2**20)
    except (RuntimeError, FileExistsError, NotADirectoryError, IsADirectoryError) as error:
        raise DataError(f"'{member.filename}' in the zip: {error}.", "Make it again.") from error
