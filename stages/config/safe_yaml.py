"""Parses untrusted YAML: plain values only, with limits on size and depth.

Scalars follow the core schema of YAML 1.2, in which `no`, `007` and dates are text, as they are
labels more often than anything else. PyYAML's safe loader runs no code, but its work is not
bounded: a few lines of aliases or merged tables can expand to billions of values (a "billion
laughs"), an alias may contain itself, a number may have a million digits. All of this is checked in
the events and in the node graph, before values are made."""

import re
from collections.abc import Iterator
from typing import Any, ClassVar, NamedTuple

import yaml

MOST_CHARACTERS = 50_000  # a pipeline of so many is checked within two seconds
MOST_REPEATED = 10_000  # values that aliases add to those in the text
DEEPEST = 100  # tables and lists inside each other
LONGEST_NUMBER = 400  # characters; Python reads 4,300 digits, in time that grows as their square
TAG = "tag:yaml.org,2002:"
NUMBERS = (f"{TAG}int", f"{TAG}float")
PLAIN = frozenset(
    TAG + name
    for name in ("map", "seq", "str", "int", "float", "bool", "null", "timestamp", "merge")
)
# PyYAML raises these for a value that does not fit its tag: an invalid date, `!!bool maybe`.
UNREADABLE = (ValueError, KeyError, IndexError, AttributeError, TypeError, OverflowError)
CORE_SCHEMA = (
    ("bool", "true|True|TRUE|false|False|FALSE", "tTfF"),
    ("null", "~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("int", "[-+]?(0|[1-9][0-9]*)", "-+0123456789"),
    ("float", r"[-+]?(\.[0-9]+|(0|[1-9][0-9]*)(\.[0-9]*)?)([eE][-+]?[0-9]+)?", "-+.0123456789"),
    ("float", r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)", "-+."),
    ("merge", "<<", "<"),
)


class CoreLoader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """Resolves scalars by the core schema; uses libyaml, ten times as fast, where it is built."""

    yaml_implicit_resolvers: ClassVar[dict[str, Any]] = {}


for kind, pattern, first in CORE_SCHEMA:
    CoreLoader.add_implicit_resolver(TAG + kind, re.compile(f"(?:{pattern})$"), list(first))


class Parsed(NamedTuple):
    """The value of a YAML text, and its root node, which has the lines; None for an empty text."""

    value: Any
    node: yaml.Node | None


class YamlProblem(ValueError):
    """The reason why a text cannot be read as YAML; `line` is counted from 1, 0 if unknown."""

    def __init__(self, problem: str, line: int = 0) -> None:
        super().__init__(problem)
        self.problem, self.line = problem, line


class SecondKey(YamlProblem):
    """A key is twice in one table: YAML would drop the first."""


def parse_yaml(text: str) -> Parsed:
    """The one document in `text`. Raises YamlProblem."""
    loader, node = _composed(text, MOST_CHARACTERS)
    return Parsed(_constructed(loader, node) if node else None, node)


def parse_as_text(text: str, most_characters: int = MOST_CHARACTERS) -> Any:
    """The tables, lists and texts in `text`; every scalar, also a key, is text as it is written.

    For names that people give: a label called null, 1e3 or 0x10 keeps its name. Raises
    YamlProblem."""
    _, node = _composed(text, most_characters)
    return _as_written(node) if node else None


def _composed(text: str, most_characters: int) -> tuple[Any, yaml.Node | None]:
    """A loader of `text`, and the checked root of its node graph."""
    if len(text) > most_characters:
        raise YamlProblem(f"it has more than {most_characters:,} characters")
    try:
        _check_depth(text)
        loader = CoreLoader(text)
        node = loader.get_single_node()
    except yaml.YAMLError as error:
        raise _problem_of(error) from None
    except UnicodeEncodeError:
        raise YamlProblem("a text has half a character") from None
    if node is not None:
        _check_size(node)
        _check_scalars(node)
        _check_keys(node)
    return loader, node


def _problem_of(error: yaml.YAMLError) -> YamlProblem:
    mark = getattr(error, "problem_mark", None)
    problem = str(getattr(error, "problem", None) or " ".join(str(error).split()))
    return YamlProblem(problem, mark.line + 1 if mark else 0)


def _check_depth(text: str) -> None:
    """Raise YamlProblem if `text` is nested too deep; composing its nodes is recursive."""
    depth = 0
    for event in yaml.parse(text, Loader=CoreLoader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > DEEPEST + 1:
                raise YamlProblem("it is nested too deep", line_of(event))
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


def _check_size(root: yaml.Node) -> None:
    """Raise YamlProblem if `root`, with all aliases expanded, is too deep, too large or infinite.

    Each node is visited once, so the check is linear in the length of the text."""
    most = sum(1 for _ in nodes_of(root)) + MOST_REPEATED
    sizes: dict[int, int] = {}
    open_nodes: set[int] = set()

    def size(node: yaml.Node, depth: int) -> int:
        if id(node) in open_nodes:
            raise YamlProblem("an alias holds itself", line_of(node))
        if depth > DEEPEST:
            raise YamlProblem("it is nested too deep", line_of(node))
        if id(node) not in sizes:
            open_nodes.add(id(node))
            sizes[id(node)] = 1 + sum(size(child, depth + 1) for child in children(node))
            open_nodes.discard(id(node))
        if sizes[id(node)] > most:
            raise YamlProblem(
                f"its aliases stand for more than {MOST_REPEATED:,} values", line_of(node)
            )
        return sizes[id(node)]

    size(root, 0)


def _check_scalars(root: yaml.Node) -> None:
    for scalar in _scalars(root):
        if scalar.tag in NUMBERS and len(scalar.value) > LONGEST_NUMBER:
            raise YamlProblem("a number is far too long", line_of(scalar))
        try:
            scalar.value.encode()
        except UnicodeEncodeError:
            raise YamlProblem("a text has half a character", line_of(scalar)) from None


def _check_keys(root: yaml.Node) -> None:
    """Raise SecondKey for a key that is twice in a table."""
    for node in nodes_of(root):
        keys: set[str] = set()
        for key, _ in node.value if isinstance(node, yaml.MappingNode) else ():
            if isinstance(key, yaml.ScalarNode) and key.value in keys:
                raise SecondKey(f"there is a second '{key.value[:80]}'", line_of(key))
            keys |= {key.value} if isinstance(key, yaml.ScalarNode) else set()


def _constructed(loader: Any, node: yaml.Node) -> Any:
    try:
        return loader.construct_document(node)
    except yaml.YAMLError as error:
        raise _problem_of(error) from None
    except UNREADABLE as error:
        raise _unreadable(node, error) from None
    except RecursionError:
        raise YamlProblem("it is nested too deep") from None


def _unreadable(root: yaml.Node, error: Exception) -> YamlProblem:
    """The problem of the first scalar of `root` that cannot be constructed, with its line."""
    for scalar in _scalars(root):
        try:
            yaml.SafeLoader("").construct_document(scalar)
        except UNREADABLE:
            kind = scalar.tag.rpartition(":")[2]
            return YamlProblem(f"'{scalar.value[:80]}' is no {kind}", line_of(scalar))
    return YamlProblem(str(error))


def _as_written(node: yaml.Node) -> Any:
    """The value of `node` with every scalar as text. Raises YamlProblem for tags of programs."""
    if node.tag not in PLAIN:
        raise YamlProblem(f"the tag {node.tag[:80]} is not read", line_of(node))
    if isinstance(node, yaml.MappingNode):
        return {_key(key): _as_written(value) for key, value in node.value}
    if isinstance(node, yaml.SequenceNode):
        return [_as_written(item) for item in node.value]
    return node.value


def _key(node: yaml.Node) -> str:
    if not isinstance(node, yaml.ScalarNode):
        raise YamlProblem("a key is a list or a table", line_of(node))
    return str(_as_written(node))


def _scalars(root: yaml.Node) -> Iterator[yaml.ScalarNode]:
    """Yield every scalar below `root` once, in the order of the text."""
    return (node for node in nodes_of(root) if isinstance(node, yaml.ScalarNode))


def nodes_of(root: yaml.Node) -> Iterator[yaml.Node]:
    """Yield `root` and every node below it once, in the order of the text."""
    visited: set[int] = set()
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if id(node) in visited:
            continue
        visited.add(id(node))
        yield node
        waiting += reversed(children(node))


def children(node: yaml.Node) -> list[yaml.Node]:
    """The keys and values of a table, the items of a list."""
    if isinstance(node, yaml.MappingNode):
        return [child for pair in node.value for child in pair]
    return list(node.value) if isinstance(node, yaml.SequenceNode) else []


def line_of(part: yaml.Node | yaml.Event) -> int:
    """The line where `part` of a text begins, counted from 1."""
    return int(part.start_mark.line) + 1 if part.start_mark else 0
