"""Parses untrusted YAML: plain values only, with limits on size and depth.

PyYAML's safe loader runs no code, but its work is not bounded: a few lines of aliases or merged
tables can expand to billions of values (a "billion laughs"), an alias may contain itself, a number
may have a million digits. All of this is checked in the node graph, before values are made."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import yaml

MOST_CHARACTERS = 200_000  # PyYAML parses these in some seconds
MOST_NODES = 200_000  # values, with all aliases expanded
DEEPEST = 100  # tables and lists inside each other
LONGEST_NUMBER = 400  # characters; Python reads 4,300 digits, in time that grows as their square
NUMBERS = ("tag:yaml.org,2002:int", "tag:yaml.org,2002:float")
# PyYAML raises these for a value that does not fit its tag: an invalid date, `!!bool maybe`.
UNREADABLE = (ValueError, KeyError, IndexError, AttributeError, TypeError, OverflowError)


class Parsed(NamedTuple):
    """The value of a YAML text, and its root node, which has the lines; None for an empty text."""

    value: Any
    node: yaml.Node | None


class YamlProblem(ValueError):
    """The reason why a text cannot be read as YAML; `line` is counted from 1, 0 if unknown."""

    def __init__(self, problem: str, line: int = 0) -> None:
        super().__init__(problem)
        self.problem, self.line = problem, line


def parse_yaml(text: str) -> Parsed:
    """The one document in `text`. Raises YamlProblem."""
    if len(text) > MOST_CHARACTERS:
        raise YamlProblem(f"it has more than {MOST_CHARACTERS:,} characters")
    try:
        loader = yaml.SafeLoader(text)
        node = loader.get_single_node()
        if node is None:
            return Parsed(None, None)
        _check_size(node)
        _check_scalars(node)
        return Parsed(_constructed(loader, node), node)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problem = str(getattr(error, "problem", None) or " ".join(str(error).split()))
        raise YamlProblem(problem, mark.line + 1 if mark else 0) from None
    except RecursionError:
        raise YamlProblem("it is nested too deep") from None


def _check_size(root: yaml.Node) -> None:
    """Raise YamlProblem if `root`, with all aliases expanded, is too deep, too large or infinite.

    Each node is visited once, so the check is linear in the length of the text."""
    sizes: dict[int, int] = {}
    open_nodes: set[int] = set()

    def size(node: yaml.Node, depth: int) -> int:
        if id(node) in open_nodes:
            raise YamlProblem("an alias holds itself", _line(node))
        if depth > DEEPEST:
            raise YamlProblem("it is nested too deep", _line(node))
        if id(node) not in sizes:
            open_nodes.add(id(node))
            sizes[id(node)] = 1 + sum(size(child, depth + 1) for child in children(node))
            open_nodes.discard(id(node))
        if sizes[id(node)] > MOST_NODES:
            raise YamlProblem(f"its aliases stand for more than {MOST_NODES:,} values", _line(node))
        return sizes[id(node)]

    size(root, 0)


def _check_scalars(root: yaml.Node) -> None:
    for scalar in _scalars(root):
        if scalar.tag in NUMBERS and len(scalar.value) > LONGEST_NUMBER:
            raise YamlProblem("a number is far too long", _line(scalar))
        try:
            scalar.value.encode()
        except UnicodeEncodeError:
            raise YamlProblem("a text has half a character", _line(scalar)) from None


def _constructed(loader: yaml.SafeLoader, node: yaml.Node) -> Any:
    try:
        return loader.construct_document(node)
    except UNREADABLE as error:
        raise _unreadable(node, error) from None


def _unreadable(root: yaml.Node, error: Exception) -> YamlProblem:
    """The problem of the first scalar of `root` that cannot be constructed, with its line."""
    for scalar in _scalars(root):
        try:
            yaml.SafeLoader("").construct_document(scalar)
        except UNREADABLE:
            kind = scalar.tag.rpartition(":")[2]
            return YamlProblem(f"'{scalar.value[:80]}' is no {kind}", _line(scalar))
    return YamlProblem(str(error))


def _scalars(root: yaml.Node) -> Iterator[yaml.ScalarNode]:
    """Yield every scalar below `root` once, in the order of the text."""
    visited: set[int] = set()
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if id(node) in visited:
            continue
        visited.add(id(node))
        if isinstance(node, yaml.ScalarNode):
            yield node
        waiting += reversed(children(node))


def children(node: yaml.Node) -> list[yaml.Node]:
    """The keys and values of a table, the items of a list."""
    if isinstance(node, yaml.MappingNode):
        return [child for pair in node.value for child in pair]
    return list(node.value) if isinstance(node, yaml.SequenceNode) else []


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1
