"""Small changes to code (mutants), each of which some test should notice.

DeMillo, Lipton and Sayward (1978), Hints on test data selection: help for the practicing
programmer, Computer 11. Nothing is changed in docstrings, texts, messages, logging, type hints and
decorators."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from itertools import accumulate
from typing import Any, NamedTuple

SWAPPED: dict[type[ast.AST], Any] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult, ast.Mod: ast.FloorDiv, ast.Pow: ast.Mult,
    ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd, ast.And: ast.Or, ast.Or: ast.And,
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq, ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
}  # fmt: skip
OPPOSITES = (ast.Eq, ast.NotEq, ast.In, ast.NotIn, ast.Is, ast.IsNot)  # swapped: also negated
WHOLE = ast.stmt | ast.Constant | ast.Call | ast.Name | ast.Attribute  # need no parentheses
Node = ast.expr | ast.stmt  # what has a place in the text
FUNCTIONS = ast.FunctionDef | ast.AsyncFunctionDef
UNCHANGED_KEYWORDS = {"encoding", "strict", "description", "title"}
UNTOUCHED = {"print", "progress", "debug", "info", "warning", "warn", "cast", "setproctitle"}


class Place(NamedTuple):
    """The lines whose tests a mutant meets. Outside of functions `names` are what is bound there,
    and the tests are those of all lines that mention one of them."""

    lines: range
    names: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Mutant:
    """One change: the bytes of `path` from `start` to `end` become `new`."""

    path: str
    line: int
    start: int
    end: int
    old: str
    new: str
    shown: str
    place: Place

    @property
    def room(self) -> str:
        return "/".join(self.path.split("/")[:-1][:2])

    def applied(self, source: bytes) -> bytes:
        """The file's text with the change."""
        return source[: self.start] + self.new.encode() + source[self.end :]

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.shown}"


def mutants_of(path: str, source: bytes) -> Iterator[Mutant]:
    """Every mutant of a file that can be compiled."""
    lines = source.splitlines(keepends=True)
    starts = [0, *accumulate(map(len, lines))]
    for node, new, place in _below(ast.parse(source), Place(range(0), ())):
        start = starts[node.lineno - 1] + node.col_offset
        end = starts[(node.end_lineno or 1) - 1] + (node.end_col_offset or 0)
        text = ast.unparse(new) if isinstance(new, WHOLE) else f"({ast.unparse(new)})"
        old = source[start:end].decode()
        shown = _shown(node, new, old, text)
        if len(old) < 12:  # a number alone could be any
            shown += f"  in  {lines[node.lineno - 1].decode().strip()}"
        mutant = Mutant(path, node.lineno, start, end, old, text, shown, place)
        try:
            compile(mutant.applied(source), path, "exec")
        except SyntaxError:
            continue
        yield mutant


def _shown(node: Node, new: Node, old: str, text: str) -> str:
    """The change as a person reads it: short, and what differs."""
    if isinstance(node, ast.Call) and isinstance(new, ast.Call):
        dropped = {each.arg for each in node.keywords} - {each.arg for each in new.keywords}
        return f"{ast.unparse(node.func)[-60:]}(...) without {dropped.pop()}="
    before, after = (" ".join(each.split()) for each in (old, text))
    if len(before) > 90:
        before = f"{before[:60]} ... {before[-25:]}"
    if len(after) > 90:
        after = f"{after[:60]} ... {after[-25:]}"
    return f"{before}  ->  {after}"


def _below(node: ast.AST, place: Place) -> Iterator[tuple[Node, Node, Place]]:
    """(old, new, place) for each change to `node` and to what it is made of."""
    for old, new in _changes(node):
        yield old, new, place
    for child in _children(node):
        yield from _below(child, _place(node, child, place))


def _place(node: ast.AST, child: ast.AST, place: Place) -> Place:
    if isinstance(child, ast.arguments) and isinstance(node, FUNCTIONS):  # its defaults
        return Place(range(node.body[0].lineno, (node.end_lineno or node.lineno) + 1))
    names = place.names
    if isinstance(node, ast.Lambda | FUNCTIONS):
        names = None
    elif names is not None and isinstance(child, ast.Assign | ast.AnnAssign):
        target = child.targets[0] if isinstance(child, ast.Assign) else child.target
        names = tuple(each.id for each in ast.walk(target) if isinstance(each, ast.Name))
    elif isinstance(child, ast.ClassDef):
        names = (child.name,)
    if isinstance(child, ast.stmt):
        return Place(range(child.lineno, _last_line(child) + 1), names)
    if isinstance(node, ast.stmt) and _compound(node) and isinstance(child, ast.expr):
        return Place(range(child.lineno, (child.end_lineno or child.lineno) + 1), names)
    return Place(place.lines, names)


def _compound(node: ast.AST) -> bool:
    return hasattr(node, "body") or hasattr(node, "cases")


def _last_line(node: ast.stmt) -> int:
    """The last line of a statement, or of the head of a compound one."""
    return node.lineno if _compound(node) else node.end_lineno or node.lineno


def _children(node: ast.AST) -> Iterator[ast.AST]:
    """What of `node` may be changed."""
    if isinstance(node, ast.Raise | ast.JoinedStr | ast.pattern):
        return  # texts, and what has no other form
    if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
        return
    if isinstance(node, ast.Call) and _called(node) in UNTOUCHED:
        return
    if isinstance(node, ast.keyword) and node.arg in UNCHANGED_KEYWORDS:
        return
    for field, value in ast.iter_fields(node):
        if field not in ("annotation", "returns", "decorator_list", "type_params", "type_comment"):
            for child in value if isinstance(value, list) else [value]:
                if isinstance(child, ast.AST):
                    yield child


def _called(call: ast.Call) -> str:
    return ast.unparse(call.func).rpartition(".")[2]


def _changes(node: ast.AST) -> Iterator[tuple[Node, Node]]:
    """What `node`, or a part of it, may become."""
    match node:
        case ast.Constant(value=bool(value)):
            yield node, ast.Constant(not value)
        case ast.Constant(value=int(value) | float(value)):
            for number in dict.fromkeys((value + 1, value * 2)):
                if number != value:
                    yield node, ast.Constant(number)
        case ast.BinOp(first, op, second) if not _text(first) and not _text(second):
            if type(op) in SWAPPED:
                yield node, ast.BinOp(first, SWAPPED[type(op)](), second)
        case ast.Compare(first, ops, rest):
            for k, comparison in enumerate(ops):
                swapped = [*ops[:k], SWAPPED[type(comparison)](), *ops[k + 1 :]]
                yield node, ast.Compare(first, swapped, rest)
        case ast.BoolOp(op, values):
            yield node, ast.BoolOp(SWAPPED[type(op)](), values)
        case ast.UnaryOp(ast.USub() | ast.Not() | ast.Invert(), operand):
            yield node, operand
        case ast.Call(func, arguments, keywords) if _called(node) not in UNTOUCHED:
            for k, keyword in enumerate(keywords):
                if keyword.arg and keyword.arg not in UNCHANGED_KEYWORDS:
                    yield node, ast.Call(func, arguments, [*keywords[:k], *keywords[k + 1 :]])
        case ast.If(test=ast.Name("TYPE_CHECKING")):
            return
        case ast.If(test=test) | ast.While(test=test) | ast.IfExp(test=test):
            yield from _negated(test)
        case ast.comprehension(ifs=conditions):
            for condition in conditions:
                yield from _negated(condition)
        case ast.Return(value=ast.expr() as value):
            if not (isinstance(value, ast.Constant) and value.value is None):
                yield node, ast.Return(ast.Constant(None))
            if isinstance(value, ast.Call) and value.args:
                yield node, ast.Return(value.args[0])
        case ast.AugAssign(target, op, value):
            yield node, ast.Pass()
            if type(op) in SWAPPED:
                yield node, ast.AugAssign(target, SWAPPED[type(op)](), value)
        case ast.Expr(value=ast.Call() as call) if _called(call) not in UNTOUCHED:
            yield node, ast.Pass()
        case ast.Assign(targets=[ast.Attribute() | ast.Subscript()]):
            yield node, ast.Pass()
        case ast.Raise() | ast.Break() | ast.Continue():
            yield node, ast.Pass()


def _negated(test: ast.expr) -> Iterator[tuple[Node, Node]]:
    opposite = isinstance(test, ast.Compare) and isinstance(test.ops[0], OPPOSITES)
    if not opposite and not (isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not)):
        yield test, ast.UnaryOp(ast.Not(), test)


def _text(node: ast.AST) -> bool:
    return isinstance(node, ast.JoinedStr) or isinstance(getattr(node, "value", 0), str | bytes)


def drawn(mutants: list[Mutant], count: int, seed: int) -> list[Mutant]:
    """`count` of `mutants`, in their order: those of the smallest digests."""
    numbers: dict[str, int] = {}
    digests = {}
    for mutant in mutants:
        key = f"{seed} {mutant.path} {mutant.old} {mutant.new}"
        numbers[key] = numbers.get(key, 0) + 1
        digests[mutant] = sha256(f"{key} {numbers[key]}".encode()).hexdigest()
    chosen = set(sorted(mutants, key=digests.__getitem__)[:count])
    return [mutant for mutant in mutants if mutant in chosen]
