"""The sources of the runtime that a package needs and of which it carries a copy."""

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from stages import runtime
from stages.runtime import __main__, backends, chain, server
from stages.runtime.answers import KINDS
from stages.runtime.backends import BACKENDS
from stages.runtime.description import descriptions_of
from stages.runtime.registry import Registry
from stages.runtime.steps import STEPS

HOME = Path(runtime.__path__[0])
DEVICE = (Path(str(runtime.__file__)), Path(str(__main__.__file__)))
SERVER = Path(str(server.__file__))
CHAIN = Path(str(chain.__file__))


def sources(folder: str, description: Mapping[str, Any], serves: bool = False) -> dict[str, bytes]:
    """The runtime's source files by their paths below `folder`: its commands, the steps, kind of
    answer and backend that `description` names, and everything that these import. The server is
    among them only if the package `serves`, the predictor of chains only if it is a chain."""
    parts = descriptions_of(description)
    roots = [*DEVICE, *(path for part in parts for path in _named(part))]
    roots += [SERVER] if serves else []
    optional = {CHAIN: "classify" in description, SERVER: serves}
    found = _reached(roots, frozenset(path for path, used in optional.items() if not used))
    return {f"{folder}/{path.relative_to(HOME).as_posix()}": path.read_bytes() for path in found}


def _named(description: Mapping[str, Any]) -> list[Path]:
    """The source files of the steps, kind of answer and backend that `description` names."""
    steps = [*description["before"], *description["after"]]
    return [
        *(_place(STEPS, step["step"]) for step in steps),
        _place(KINDS, description.get("answers", "labels")),
        *_own_place(BACKENDS, description["backend"]),
    ]


def backend_sources(folder: str, backend: str) -> dict[str, bytes]:
    """The runtime's source files below `folder` that running a network with `backend` needs."""
    roots = [DEVICE[0], Path(str(backends.__file__)), *_own_place(BACKENDS, backend)]
    found = _reached(roots, frozenset({CHAIN, SERVER}))
    return {f"{folder}/{path.relative_to(HOME).as_posix()}": path.read_bytes() for path in found}


def _own_place(table: Registry, name: str) -> list[Path]:
    """As `_place`, in a list; empty for a part that another package adds, which a device has to
    have installed."""
    return [_place(table, name)] if name in table.places else []


def _place(table: Registry, name: str) -> Path:
    """The source file of the part `name`."""
    from importlib.util import find_spec

    module = table.places[table.check(name)].partition(":")[0]
    return Path(str(find_spec(module, table.home).origin))  # type: ignore[union-attr]


def _reached(roots: list[Path], without: frozenset[Path]) -> list[Path]:
    visited: set[Path] = set()
    waiting = list(roots)
    while waiting:
        path = waiting.pop()
        if path not in visited and path not in without:
            visited.add(path)
            waiting += [*_imported(path), *_packages(path)]
    return sorted(visited)


def _imported(path: Path) -> Iterator[Path]:
    """The files of the runtime that `path` imports, at its top or inside functions."""
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = path.parents[node.level - 1].joinpath(*(node.module or "").split("."))
            named = (base / name.name for name in node.names)
            yield from (file for place in (base, *named) for file in _files(place))


def _packages(path: Path) -> list[Path]:
    """The __init__.py of each folder on the way to `path`."""
    between = path.relative_to(HOME).parents
    return [HOME / folder / "__init__.py" for folder in between]


def _files(place: Path) -> list[Path]:
    candidates = (place.with_suffix(".py"), place / "__init__.py")
    return [path for path in candidates if path.is_file()]
