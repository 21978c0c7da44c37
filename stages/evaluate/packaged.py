"""Opens a package, named as a folder, a zip file or package@id."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from stages.artifacts import Package
from stages.etl import archive
from stages.runtime.errors import ConfigError
from stages.runtime.files import write
from stages.runtime.sealed import MOST_FILES, SEAL
from stages.store import Store

MOST_BYTES = 4 * 2**30  # of a package that is unpacked
HOW = "Name a package's folder, its zip file, or package@id as `aiwf list package` shows it."


@contextmanager
def opened_package(name: str, store: Store) -> Iterator[Path]:
    """The folder of the package `name`: a folder, a zip, or package@id; not checked yet.

    Raises ConfigError if there is none, DataError for a zip that cannot be trusted."""
    path = Path(name)
    with TemporaryDirectory(prefix="aiwf-") as scratch:
        if path.is_dir():
            yield _top(path)
        elif path.is_file():
            archive.unpack(path, Path(scratch), "", MOST_FILES, MOST_BYTES)
            yield _top(Path(scratch))
        elif name.startswith("package@"):
            yield _written(store.load(store.find(name)), store, Path(scratch))
        else:
            raise ConfigError(f"There is no package '{name}'.", HOW)


def _written(package: Package, store: Store, folder: Path) -> Path:
    for name, digest in package.files.items():
        write(folder / name, store.get(digest))
    return folder


def _top(folder: Path) -> Path:
    """The package itself, where a zip or a folder has it one level deeper."""
    inside = [path.parent for path in sorted(folder.glob(f"*/{SEAL}"))]
    if (folder / SEAL).is_file():
        return folder
    if len(inside) == 1:
        return inside[0]
    raise ConfigError(f"There is no package in {folder}.", HOW)
