"""Computes which source files can affect the result of a stage: its import closure."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from stages import parts
from stages.artifacts import canonical, digest_of
from stages.runtime.registry import Registry

ROOT = Path(__file__).parents[2]
MODULE = re.compile(r"(stages(\.\w+)+|(\.\w+)+:\w+)").fullmatch
# These modules store, record and check; they do not affect the content of an artifact.
SERVICES = (
    "config",
    "parts",
    "settings",
    "tracking",
    "blobs",
    "store",
    "opening",
    "databases",
    "privacy",
    "faults",
    "leftovers",
    "fetching",
    "source_package",
    "runner",
    "local",
)
IGNORED = tuple(f"stages.{name}" for name in SERVICES)


def code_digest(stage: str, config: Any, task: str = "") -> str:
    """The digest of every source that `stage` with this config slice can reach."""
    return digest_of(canonical(reached(stage, config, task)))


def reached(stage: str, config: Any, task: str = "") -> dict[str, str]:
    """Digests of the sources that `stage` can reach with this config slice, by module.

    Parts count only if the config or `task` names them; without `task`, those of every task do."""
    digests: dict[str, str] = {}
    waiting = [f"stages.{stage}"]
    names = {*_strings(config), *(_declared(task) if task else ())}
    while waiting:
        module = waiting.pop()
        path = _source(module)
        if module in digests or path is None or module.startswith(IGNORED):
            continue
        digests[module] = _digest(path)
        waiting += [*_imports(module, path), *_mentioned(module, path)]
        waiting += [place for table in _tables(path) for place in _named(table, names)]
    return digests


def _declared(task: str) -> Iterator[str]:
    """The names of the parts that `task` declares: modality, trainer, readers."""
    yield task
    yield from _strings(
        [declared for declared in vars(parts.TASKS[task]).values() if not callable(declared)]
    )


def _strings(value: Any) -> Iterator[str]:
    """Every string and key inside a config; each may be the name of a part."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield key
            yield from _strings(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _strings(inner)


def _named(table: str, mentioned: set[str]) -> list[str]:
    """The modules of the parts in `table` that the config names; all of them if it names none."""
    registry = getattr(parts, table, None)
    if not isinstance(registry, Registry) or table in ("BLOBS", "SAMPLES", "STAGES"):
        return []
    # a compressor is named by what it reads and what it makes: onnx/int8
    names = [name for name in registry if name.rpartition("/")[2] in mentioned] or list(registry)
    return [registry.home + registry.places[name].partition(":")[0] for name in names]


@cache
def _digest(path: Path) -> str:
    # A folder's templates and tables (its page, its suite of expectations) count with the folder.
    beside = [*path.parent.glob("*.html"), *path.parent.glob("*.json")]
    counted = sorted(beside) if path.name == "__init__.py" else []
    return digest_of(b"".join(file.read_bytes() for file in [path, *counted]))


@cache
def _source(module: str) -> Path | None:
    base = ROOT / module.replace(".", "/")
    for path in (base.with_suffix(".py"), base / "__init__.py"):
        if path.is_file():
            return path
    return None


@cache
def _imports(module: str, path: Path) -> tuple[str, ...]:
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    found: list[str] = []
    for node in _tree_imports(path):
        if isinstance(node, ast.Import):
            found += [name.name for name in node.names]
            continue
        parents = package.split(".")
        home = parents[: len(parents) - node.level + 1] if node.level else []
        base = ".".join([*home, *([node.module] if node.module else [])])
        found += [base, *(f"{base}.{name.name}" for name in node.names)]
    return tuple(name for name in found if name.startswith("stages."))


@cache
def _mentioned(module: str, path: Path) -> tuple[str, ...]:
    """Modules that the source names in a string: a registry's place, or a child's program."""
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    strings = [
        node.value
        for node in ast.walk(_tree(path))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and MODULE(node.value)
    ]
    places = [string.partition(":")[0] for string in strings]
    return tuple(package + place if place.startswith(".") else place for place in places)


@cache
def _tables(path: Path) -> tuple[str, ...]:
    return tuple(
        name.name
        for node in _tree_imports(path)
        if isinstance(node, ast.ImportFrom) and node.module == "stages.parts"
        for name in node.names
    )


@cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_bytes())


@cache
def _tree_imports(path: Path) -> tuple[ast.Import | ast.ImportFrom, ...]:
    found = ast.walk(_tree(path))
    return tuple(node for node in found if isinstance(node, ast.Import | ast.ImportFrom))
