"""Packs many small files into few tar files, as DVC and object stores are slow by the file, not by
the byte.

Whether a new tar begins at a file depends on the digest of its name, so that adding files changes
few tars. Equal files give equal tars (sorted, without times and owners)."""

import csv
import io
import tarfile
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

from stages.runtime.errors import Damaged

LOOSE_FILES = 5_000  # up to this number files are not packed
SHARD_FILES = 500  # on average
MANIFEST = "shards.csv"


def pack(folder: Path, each: int = SHARD_FILES) -> None:
    """Replace the files below `folder` by tars of about `each` files, listed in shards.csv."""
    lines: list[tuple[str, str, int, str]] = []
    for names in _portions(sorted(_names(folder)), each):
        shard = f"shard-{sha256(names[0].encode()).hexdigest()[:16]}.tar"
        with tarfile.open(folder / shard, "x", format=tarfile.PAX_FORMAT) as tar:
            for name in names:
                data = (folder / name).read_bytes()
                tar.addfile(_entry(name, data), io.BytesIO(data))
                lines.append((name, shard, len(data), sha256(data).hexdigest()))
        _remove(folder, names)
    _remove_empty(folder)
    with (folder / MANIFEST).open("x", encoding="utf-8", newline="") as text:
        writer = csv.writer(text, lineterminator="\n")
        writer.writerows([("file", "shard", "bytes", "sha256"), *lines])


def is_packed(folder: Path) -> bool:
    """Whether `folder` holds shards rather than loose files."""
    return (folder / MANIFEST).is_file() and any(folder.glob("shard-*.tar"))


def unpack(folder: Path) -> None:
    """Restore the files that `pack` packed. Raises Damaged if they are not as shards.csv says."""
    with (folder / MANIFEST).open(encoding="utf-8", newline="") as text:
        digests = {line["file"]: line["sha256"] for line in csv.DictReader(text)}
    for shard in sorted(folder.glob("shard-*.tar")):
        with tarfile.open(shard) as tar:
            for entry in tar:
                digests.pop(_put_back(folder, tar, entry, digests))
        shard.unlink()
    if digests:
        raise Damaged(f"{len(digests)} files of the shards are missing.", "Add the data again.")
    (folder / MANIFEST).unlink()


def _put_back(
    folder: Path, tar: tarfile.TarFile, entry: tarfile.TarInfo, digests: dict[str, str]
) -> str:
    source = tar.extractfile(entry)
    data = source.read() if source else b""
    if digests.get(entry.name) != sha256(data).hexdigest():
        raise Damaged(f"'{entry.name}' in the shards was changed.", "Add the data again.")
    path = folder / entry.name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return entry.name


def _names(folder: Path) -> Iterator[str]:
    return (path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def _portions(names: list[str], each: int) -> Iterator[list[str]]:
    portion: list[str] = []
    for name in names:
        begins = int(sha256(name.encode()).hexdigest()[:8], 16) % each == 0
        if portion and (begins or len(portion) >= 4 * each):
            yield portion
            portion = []
        portion.append(name)
    if portion:
        yield portion


def _entry(name: str, data: bytes) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.size = len(data)
    entry.mode = 0o644
    return entry


def _remove(folder: Path, names: list[str]) -> None:
    for name in names:
        (folder / name).unlink()


def _remove_empty(folder: Path) -> None:
    for path in sorted(folder.rglob("*"), reverse=True):  # the inner ones first
        if path.is_dir():
            path.rmdir()
