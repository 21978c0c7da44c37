"""Walks through a person's folder: through links, in no circles, past what is hidden."""

import os
from collections.abc import Iterator
from pathlib import Path


def folders_in(folder: Path) -> Iterator[Path]:
    """The folders in `folder` that are not hidden, sorted."""
    for path in sorted(folder.iterdir()):
        if path.is_dir() and not path.name.startswith((".", "__")):
            yield path


def files_below(folder: Path) -> Iterator[Path]:
    """Every file below `folder`, through links as well, but no folder inside itself."""
    for top, folders, files in os.walk(folder, followlinks=True):
        above = {os.path.realpath(top), *map(os.path.realpath, Path(top).parents)}
        shown = [name for name in folders if not name.startswith((".", "__"))]
        folders[:] = sorted(n for n in shown if os.path.realpath(Path(top, n)) not in above)
        for name in sorted(files):
            if not name.startswith("."):
                yield Path(top, name)
