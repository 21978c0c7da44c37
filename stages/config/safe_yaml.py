"""YAML that a stranger may have written: plain values only, bounded in size and depth.

PyYAML's safe loader runs no code, but its work is not bounded: a few lines of aliases, or of merged
tables, stand for billions of values (a "billion laughs"); one alias may hold itself; a number may
have a million digits. All of that shows in the node graph, before a value is made."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import yaml

MOST_CHARACTERS = 200_000  # some seconds of PyYAML's time
MOST_NODES = 200_000  # values, with each alias counted as what it stands for
DEEPEST = 100  # tables and lists inside each other
LONGEST_NUMBER = 400  # characters; Python reads 4,300 digits, in time that grows as their square
NUMBERS = ("tag:yaml.org,2002:int", "tag:yaml.org,2002:float")
# PyYAML raises these for a value that does not fit its tag: a date of no day, `!!bool maybe`.
UNREADABLE = (ValueError, KeyError, IndexError, AttributeError, TypeError, OverflowError)


class Parsed(NamedTuple):
    """What a YAML text says, and its root node, which knows the lines; None for an empty text."""

    value: Any
    node: yaml.Node | None


class YamlProblem(ValueError):
    """Why a text is not YAML that may be read; `line` counts from 1, 0 if it is not known."""

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
    """Raise YamlProblem if `root`, with all aliases written out, is too deep, too much, or endless.

    Each node is counted once, so the check takes as long as the text is, not as what it means."""
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
    """The first scalar of `root` that cannot be read by itself, as a problem with its line."""
    for scalar in _scalars(root):
        try:
            yaml.SafeLoader("").construct_document(scalar)
        except UNREADABLE:
            kind = scalar.tag.rpartition(":")[2]
            return YamlProblem(f"'{scalar.value[:80]}' is no {kind}", _line(scalar))
    return YamlProblem(str(error))


def _scalars(root: yaml.Node) -> Iterator[yaml.ScalarNode]:
    """Every scalar below `root`, each once, in the order of the text."""
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
