"""Finds names and prose that use a word which the project has retired.

A retired word is one of a private language: the field has its own term for it (a network's feature
layers are its backbone). `tests/vocabulary.yaml` lists the exceptions, each with a reason, and how
many finds each room still has."""

import ast
import io
import json
import re
import tokenize
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import yaml

ROOT = Path(__file__).parents[1]
EXCEPTIONS = Path(__file__).with_name("vocabulary.yaml")
FOLDERS = ("stages", "operators", "dags", "tests")
PRODUCT = ("stages", "operators", "dags")
TEXTS = (
    *("README.md", "configs/README.md", "infra/README.md", "infra/RELEASES.md"),
    *("stages/README.md", "tests/benchmarks/README.md"),
)
RATCHETS = "ratchets:"

# In names: whole words of an identifier, in every form that was in use.
_FORMS = """
    trunk trunks tail tails front fronts cut cuts maps teach teaches taught teaching
    leg legs tell tells told telling desk desks ear ears kept course courses hold holding
    crew crews team teams together crowd begun judge judges judged judging rival rivals
    finalist finalists runoff runoffs thing things medium sight seen pace steepest
    climb climbs climbed climbing pinned foresee foreseen foreseeing suits
    ask asks asked asking word words say says said saying one ones made known more
    strange foreign others unknowns look looks looking alike aside given held left
"""
RETIRED = frozenset(_FORMS.split())
# In prose the rest is ordinary English; these words are not.
ODD = re.compile(r"\b(?:trunk|leg|crew|runoff|desk|ear)s?\b", re.IGNORECASE)
RECORDED = {"log_params", "log_metrics", "log_tags"}  # calls whose keys are names in MLflow


class Find(NamedTuple):
    """One use of a retired word: the name or the word, and the file it stands in."""

    path: str
    name: str


def words_of(name: str) -> list[str]:
    """The words of an identifier, in small letters: `HeadsFit` and `heads_fit` have the same."""
    return [word for word in re.split(r"[^a-z0-9]+", _spaced(name).lower()) if word]


def _spaced(name: str) -> str:
    return re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", name)


def room_of(path: str) -> str:
    """The room of a file: a folder of `stages` or `tests`, or the folder at the top."""
    parts = path.split("/")
    return "/".join(parts[:2]) if parts[0] in ("stages", "tests") and len(parts) > 2 else parts[0]


@cache
def sources() -> dict[str, str]:
    """The text of every Python file, by its path from the project's top."""
    return {
        path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8")
        for folder in FOLDERS
        for path in sorted((ROOT / folder).rglob("*.py"))
    }


@cache
def _tree(path: str) -> ast.Module:
    return ast.parse(sources()[path])


def names_in(tree: ast.Module) -> Iterator[str]:
    """Every name that a module binds: classes, functions, parameters, variables, attributes; and
    the names that it records in MLflow. Tests' names are prose."""
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                if not name.startswith("test_"):
                    yield name
            case ast.ClassDef(name=name) | ast.arg(arg=name):
                yield name
            case ast.Name(id=name, ctx=ast.Store()) | ast.Attribute(attr=name, ctx=ast.Store()):
                yield name
            case ast.alias(asname=str(name)) | ast.ExceptHandler(name=str(name)):
                yield name
            case ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
                yield name
            case ast.Call(func=ast.Attribute(attr=method)) if method in RECORDED:
                yield from _keys(node)


def _keys(call: ast.Call) -> Iterator[str]:
    """The keys of the tables in a call, as far as they are written there."""
    for argument in call.args:
        for node in ast.walk(argument):
            keys: list[ast.expr | None] = []
            if isinstance(node, ast.Dict):
                keys = node.keys
            elif isinstance(node, ast.DictComp):
                keys = [node.key]
            for key in filter(None, keys):
                for part in ast.walk(key):
                    if isinstance(part, ast.Constant) and isinstance(part.value, str):
                        yield part.value


def prose_in(path: str) -> Iterator[str]:
    """The comments and strings of a source, docstrings among them, and the names of its tests."""
    for token in tokenize.generate_tokens(io.StringIO(sources()[path]).readline):
        if token.type == tokenize.COMMENT:
            yield token.string
    for node in ast.walk(_tree(path)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            yield node.name.replace("_", " ")


def config_keys(schema: Any) -> Iterator[str]:
    """Every key that a pipeline's YAML may have."""
    if isinstance(schema, dict):
        yield from schema.get("properties", {})
        for inner in schema.values():
            yield from config_keys(inner)
    elif isinstance(schema, list):
        for inner in schema:
            yield from config_keys(inner)


@cache
def exceptions() -> dict[str, Any]:
    """The reviewed file."""
    found: dict[str, Any] = yaml.safe_load(EXCEPTIONS.read_text(encoding="utf-8"))
    return found


def allowed(kind: str, path: str, name: str) -> bool:
    """Whether an exception of `kind` covers `name` in the file at `path`."""
    return any(covers(exception, path, name) for exception in exceptions()[kind] or ())


def covers(exception: dict[str, str], path: str, name: str) -> bool:
    """Whether `exception` is about `name` in the file at `path`; both are patterns."""
    return fnmatchcase(name, exception["name"]) and fnmatchcase(path, exception["where"])


@cache
def retired_names() -> tuple[Find, ...]:
    """Each name with a retired word, once for each file; exceptions included."""
    found = {
        Find(path, name)
        for path in sources()
        for name in (_module_of(path), *names_in(_tree(path)))
        if RETIRED & set(words_of(name))
    }
    schema = json.loads((ROOT / "configs" / "schema.json").read_text(encoding="utf-8"))
    found |= {
        Find("configs/schema.json", key)
        for key in config_keys(schema)
        if RETIRED & set(words_of(key))
    }
    return tuple(sorted(found))


def _module_of(path: str) -> str:
    """The name of a module; of a package its folder's. That of a test is prose."""
    name = Path(path).stem if Path(path).stem != "__init__" else Path(path).parent.name
    return "" if name.startswith("test_") else name


@cache
def odd_prose() -> tuple[Find, ...]:
    """Each odd word of the prose, once for each file; exceptions included."""
    texts = {path: "\n".join(prose_in(path)) for path in sources()}
    paths = [ROOT / name for name in TEXTS] + sorted((ROOT / "configs").rglob("*.y*ml"))
    paths += [ROOT / "configs" / "schema.json", *sorted((ROOT / "stages").rglob("*.html"))]
    texts |= {path.relative_to(ROOT).as_posix(): path.read_text("utf-8") for path in paths}
    return tuple(
        Find(path, word)
        for path, text in texts.items()
        for word in sorted({match.lower() for match in ODD.findall(text)})
    )


@cache
def shared_classes() -> dict[str, list[str]]:
    """Public classes of the product that share a name: name -> their files, less exceptions."""
    places = defaultdict(list)
    for path in sources():
        if path.startswith(PRODUCT):
            for node in _tree(path).body:
                if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                    places[node.name].append(path)
    return _shared("classes", places)


@cache
def shared_files() -> dict[str, list[str]]:
    """Files of one room that share a name: room and name -> their paths, less exceptions."""
    places = defaultdict(list)
    for path in sources():
        if path.startswith(PRODUCT) and not path.endswith("__init__.py"):
            places[f"{room_of(path)} {Path(path).name}"].append(path)
    return _shared("files", places)


def _shared(kind: str, places: dict[str, list[str]]) -> dict[str, list[str]]:
    shared = {}
    for key, paths in places.items():
        counted = [path for path in paths if not allowed(kind, path, key.split()[-1])]
        if len(paths) > 1 and len(counted) > 1:
            shared[key] = counted
    return shared


def uncovered(kind: str) -> list[Find]:
    """The finds of `kind` ('names' or 'prose') that no exception covers."""
    found = retired_names() if kind == "names" else odd_prose()
    return [find for find in found if not allowed(kind, *find)]


def counts() -> dict[str, dict[str, int]]:
    """How much is left: by kind, then by room ('product' for what is not of one room)."""
    by_room = {kind: _by_room(uncovered(kind)) for kind in ("names", "prose")}
    return {
        **by_room,
        "classes": {"product": len(shared_classes())},
        "files": dict(sorted(Counter(key.split()[0] for key in shared_files()).items())),
    }


def _by_room(finds: Iterable[Find]) -> dict[str, int]:
    return dict(sorted(Counter(room_of(find.path) for find in finds).items()))


def unneeded() -> list[str]:
    """Exceptions that cover nothing."""
    finds = {"names": retired_names(), "prose": odd_prose()}
    return [
        f"{kind}: {exception['name']} in {exception['where']}"
        for kind in finds
        for exception in exceptions()[kind] or ()
        if not any(covers(exception, *find) for find in finds[kind])
    ]


def rewrite() -> None:
    """Write the present counts into the reviewed file."""
    reviewed, mark, _ = EXCEPTIONS.read_text(encoding="utf-8").partition(f"\n{RATCHETS}\n")
    assert mark
    numbers = yaml.safe_dump(counts(), sort_keys=False)
    text = "".join(f"  {line}\n" for line in numbers.splitlines())
    EXCEPTIONS.write_text(f"{reviewed}{mark}{text}", encoding="utf-8")
