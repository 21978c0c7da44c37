"""The runtime's own sources, of which every package carries a copy: those that it needs."""

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from stages import runtime
from stages.runtime import __main__, server
from stages.runtime.answers import KINDS
from stages.runtime.backends import BACKENDS
from stages.runtime.registry import Registry
from stages.runtime.steps import STEPS

HOME = Path(runtime.__path__[0])
DEVICE = (Path(str(runtime.__file__)), Path(str(__main__.__file__)))
SERVER = Path(str(server.__file__))


def sources(folder: str, description: Mapping[str, Any], serves: bool = False) -> dict[str, bytes]:
    """The runtime's files under `folder`: its commands, the steps, kind of answer and engine that
    `description` names, and all that these import; the server only if it `serves`."""
    steps = [*description["before"], *description["after"]]
    roots = [
        *DEVICE,
        *(_place(STEPS, one["step"]) for one in steps),
        _place(KINDS, description["answers"]),
        _place(BACKENDS, description["backend"]),
        *([SERVER] if serves else []),
    ]
    found = _reached(roots, frozenset() if serves else frozenset({SERVER}))
    return {f"{folder}/{path.relative_to(HOME).as_posix()}": path.read_bytes() for path in found}


def _place(table: Registry, name: str) -> Path:
    """The file of the part `name`."""
    from importlib.util import find_spec

    module = table.places[table.check(name)].partition(":")[0]
    return Path(str(find_spec(module, table.home).origin))  # type: ignore[union-attr]


def _reached(roots: list[Path], without: frozenset[Path]) -> list[Path]:
    seen: set[Path] = set()
    waiting = list(roots)
    while waiting:
        path = waiting.pop()
        if path not in seen and path not in without:
            seen.add(path)
            waiting += [*_imported(path), *_packages(path)]
    return sorted(seen)


def _imported(path: Path) -> Iterator[Path]:
    """The files of the runtime that the one at `path` imports, at its top or inside functions."""
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = path.parents[node.level - 1].joinpath(*(node.module or "").split("."))
            named = (base / name.name for name in node.names)
            yield from (file for one in (base, *named) for file in _files(one))


def _packages(path: Path) -> list[Path]:
    """The __init__ of each folder down to `path`."""
    between = path.relative_to(HOME).parents
    return [HOME / one / "__init__.py" for one in between]


def _files(place: Path) -> list[Path]:
    known = (place.with_suffix(".py"), place / "__init__.py")
    return [path for path in known if path.is_file()]
