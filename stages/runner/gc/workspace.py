"""What is left in a workspace and among temporary files by commands that were killed, and local
copies that can be fetched again."""

import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path

from stages.leftovers import DAY, drafts, remove_path
from stages.runner.gc.garbage import Garbage, is_old
from stages.settings import Settings
from stages.train.distributed.driver import CHECKPOINTS
from stages.train.distributed.process_folder import abandoned, remove_abandoned


def leftovers_of(settings: Settings) -> Iterator[Garbage]:
    """Drafts, scratch folders of dead processes, among them Ray's, and local copies."""
    root = settings.root
    yield from _paths("drafts", drafts(root, DAY))
    scratch = abandoned(Path(tempfile.gettempdir()))
    yield from _paths("scratch folders", scratch, remove_abandoned)
    yield from _paths("local copies", _unused((settings.cache / "files").glob("*")))
    yield from _paths("local copies", _unused((settings.cache / CHECKPOINTS).glob("*")))
    for earlier in (root / "teams", settings.cache / "features"):
        yield from _paths("of earlier versions", _unused(earlier.glob("*")))
    if not settings.store:
        yield from _empty(root / "store" / "memo" / "scopes")


def _unused(paths: Iterable[Path]) -> Iterator[Path]:
    """Those that nobody used for long. The locks of searches are files whose names begin with a
    dot."""
    for path in sorted(paths):
        with suppress(OSError):
            if is_old(path.stat().st_mtime) and not path.name.startswith("."):
                yield path


def _paths(
    kind: str, paths: Iterable[Path], remove: Callable[[Path], bool] = remove_path
) -> Iterator[Garbage]:
    for path in paths:
        yield Garbage(kind, str(path), _size(path), partial(remove, path))


def _empty(home: Path) -> Iterator[Garbage]:
    """Folders of scopes that have gone."""

    def go(path: Path) -> bool:
        with suppress(OSError):  # not empty any more
            path.rmdir()
            return True
        return False

    empty = (path for path in _unused(home.glob("*")) if not any(path.iterdir()))
    yield from _paths("empty folders", empty, go)


def _size(path: Path) -> int:
    files = path.rglob("*") if path.is_dir() and not path.is_symlink() else [path]
    total = 0
    for file in files:
        with suppress(OSError):
            total += file.lstat().st_size
    return total
