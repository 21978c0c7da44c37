"""Computes which code can affect a result: the import closure of the modules that make it.

A module counts with all that it imports, at its top or inside functions, with the modules that it
names in a string (a registry's place, a child's program) and with the parts of the boards that it
uses. Of third-party packages their versions count."""

import ast
import re
import sys
from collections.abc import Iterator, Sequence
from functools import cache
from importlib.metadata import packages_distributions, version
from pathlib import Path
from typing import Any, NamedTuple

from stages import parts
from stages.artifacts import canonical, digest_of
from stages.runtime.registry import Registry

ROOT = Path(__file__).parents[1]
MODULE = re.compile(r"(stages(\.\w+)+|(\.\w+)+:\w+)").fullmatch
# These modules store, record and check; they do not affect the content of an artifact.
SERVICES = (
    "config",
    "closure",
    "parts",
    "settings",
    "resources",
    "user_weights",
    "tracking",
    "blobs",
    "store",
    "memo",
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
BESIDE = (
    "html",
    "json",
    "tmpl",
    "c",
    "cpp",
    "h",
    "txt",
    "cmake",
    "java",
    "sh",
    "swift",
)  # suffixes of the files that count with their folder
IGNORED = tuple(f"stages.{name}" for name in SERVICES)


class Code(NamedTuple):
    """The code that makes a cached value: the modules it begins with, the names of the parts that
    it uses (none: all), and the digest of their closure. With the first two, anybody can tell later
    whether this is still the code."""

    modules: tuple[str, ...]
    parts: tuple[str, ...]
    digest: str

    @property
    def current(self) -> bool:
        """Whether the same code is installed here now."""
        return self == code_of(*self.modules, config=self.parts)


def code_of(*modules: str, config: Any = None) -> Code:
    """The code of `modules`, with the versions of the packages that they import.

    Parts, steps and backends count only if `config` names them, where it names some of their table;
    so it has to name all of a table that are used, or none. Computed once a process, so that an
    edit while it runs does not mix two versions."""
    return _code(tuple(sorted(modules)), tuple(sorted(set(_strings(config)))))


@cache
def _code(modules: tuple[str, ...], names: tuple[str, ...]) -> Code:
    found = closure(modules, set(names), own_tables=True)
    return Code(modules, names, digest_of(canonical([found, packages(found)])))


def code_digest(stage: str, config: Any, task: str = "") -> str:
    """The digest of every source that `stage` with this config slice can reach."""
    return digest_of(canonical(reached(stage, config, task)))


def reached(stage: str, config: Any, task: str = "") -> dict[str, str]:
    """Digests of the sources that `stage` can reach with this config slice, by module.

    Parts count only if the config or `task` names them; without `task`, those of every task do."""
    return closure([f"stages.{stage}"], {*_strings(config), *(_declared(task) if task else ())})


def closure(modules: Sequence[str], names: set[str], own_tables: bool = False) -> dict[str, str]:
    """Digests of the sources that `modules` can reach, by module. Of a board, only the parts in
    `names` count; all of them if it has none of these. With `own_tables`, the same holds for the
    tables that the sources themselves spell out, as the runtime's steps and backends."""
    digests: dict[str, str] = {}
    waiting = list(modules)
    while waiting:
        module = waiting.pop()
        source = None if module in digests or module.startswith(IGNORED) else _source(module)
        if source is None:
            continue
        digests[module] = _digest(source.path)
        waiting += source.imports
        waiting += _chosen(source.mentioned, names if own_tables else set())
        waiting += [place for board in source.boards for place in _named(board, names)]
    return digests


def packages(modules: Sequence[str] | dict[str, str]) -> dict[str, str]:
    """The installed packages that the sources of `modules` import, by the names that pip uses,
    with their versions."""
    sources = [source for module in modules if (source := _source(module))]
    imported = {name for source in sources for name in source.packages}
    distributions = {name for top in imported for name in _distributions().get(top, ())}
    return {_normal(name): version(name) for name in sorted(distributions)}


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
    # of a part that another package adds, the version counts: an engine names it in `libraries`
    own = [registry.places[name] for name in names if name in registry.places]
    return [registry.home + place.partition(":")[0] for place in own]


@cache
def _digest(path: Path) -> str:
    # A folder's templates and tables (its page, its suite of expectations) count with the folder.
    beside = [file for kind in BESIDE for file in path.parent.glob(f"*.{kind}")]
    counted = sorted(beside) if path.name == "__init__.py" else []
    return digest_of(b"".join(file.read_bytes() for file in [path, *counted]))


class _Source(NamedTuple):
    """What the source of a module at `path` leads to: the modules of ours that it imports, those
    that it mentions in strings, each with the key that it has in a table or '', the boards that it
    uses, and the top names of other packages."""

    path: Path
    imports: tuple[str, ...]
    mentioned: tuple[tuple[str, str], ...]
    boards: tuple[str, ...]
    packages: frozenset[str]


@cache
def _source(module: str) -> _Source | None:
    """The source of `module`, parsed and walked once a process; None if it is no module of ours."""
    path = _path(module)
    if path is None:
        return None
    imports, strings, keys = _nodes(ast.parse(path.read_bytes()))
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    places = [(keys.get(node, ""), str(node.value).partition(":")[0]) for node in strings]
    return _Source(
        path,
        tuple(name for node in imports for name in _imported(node, package)),
        tuple((key, package + name if name[0] == "." else name) for key, name in places),
        tuple(board for node in imports for board in _boards(node)),
        _tops(imports) - sys.stdlib_module_names - {"stages", ""},
    )


def _path(module: str) -> Path | None:
    base = ROOT / module.replace(".", "/")
    for path in (base.with_suffix(".py"), base / "__init__.py"):
        if path.is_file():
            return path
    return None


Import = ast.Import | ast.ImportFrom


def _nodes(tree: ast.Module) -> tuple[list[Import], list[ast.Constant], dict[ast.AST, str]]:
    """The imports in `tree`, the strings that look like a module, and the key of every value in a
    dict that the source spells out; of one walk, as it is most of the work."""
    imports: list[Import] = []
    strings: list[ast.Constant] = []
    keys: dict[ast.AST, str] = {}
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, Import):
            imports.append(node)
        elif isinstance(node, ast.Constant):
            if isinstance(node.value, str) and MODULE(node.value):
                strings.append(node)
        else:
            if isinstance(node, ast.Dict):
                keys |= _keyed(node)
            for name in node._fields:
                field = getattr(node, name)
                inside = field if isinstance(field, list) else (field,)
                waiting += [each for each in inside if isinstance(each, ast.AST)]
    return imports, strings, keys


def _keyed(table: ast.Dict) -> dict[ast.AST, str]:
    pairs = zip(table.keys, table.values, strict=True)
    return {value: str(key.value) for key, value in pairs if isinstance(key, ast.Constant)}


def _imported(node: Import, package: str) -> list[str]:
    """The modules of ours that `node` imports in a module of `package`; a name that is imported
    from one may be a module, too."""
    if isinstance(node, ast.Import):
        found = [name.name for name in node.names]
    else:
        parents = package.split(".")
        home = parents[: len(parents) - node.level + 1] if node.level else []
        base = ".".join([*home, *([node.module] if node.module else [])])
        found = [base, *(f"{base}.{name.name}" for name in node.names)]
    return [name for name in found if name.startswith("stages.")]


def _boards(node: Import) -> list[str]:
    is_of_parts = isinstance(node, ast.ImportFrom) and node.module == "stages.parts"
    return [name.name for name in node.names] if is_of_parts else []


def _tops(imports: Sequence[Import]) -> frozenset[str]:
    """The top names of all that is imported absolutely."""
    names = [alias.name for node in imports if isinstance(node, ast.Import) for alias in node.names]
    names += [
        node.module or "" for node in imports if isinstance(node, ast.ImportFrom) and not node.level
    ]
    return frozenset(name.partition(".")[0] for name in names)


@cache
def _distributions() -> dict[str, list[str]]:
    return dict(packages_distributions())


def _normal(distribution: str) -> str:
    return re.sub(r"[-_.]+", "-", distribution).lower()


def _chosen(mentioned: tuple[tuple[str, str], ...], names: set[str]) -> list[str]:
    """The modules of those `mentioned` whose key is in `names`, and of those without one; all of
    them if no key is."""
    narrowed = any(key in names for key, _ in mentioned)
    return [place for key, place in mentioned if not (narrowed and key) or key in names]
