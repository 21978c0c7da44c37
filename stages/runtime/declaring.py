"""Declarations of steps: the kinds of value a step takes and gives, and a rule for each argument.

With them a package's steps are checked when it is opened, not at the first sample."""

from collections.abc import Callable, Mapping, Sequence
from inspect import Parameter, signature
from typing import Any, NamedTuple, TypeVar

from .errors import ConfigError
from .rules import Rule, shown

Function = TypeVar("Function", bound=Callable[..., Any])
REMEDY = "Correct it where the steps are written: in the package's package.json, or its model's."


class Declared(NamedTuple):
    """The declaration of a step. `takes`: the kinds of value that the step accepts; `gives`: the
    kind it returns. `rules`: a rule for each argument. `required`: arguments without a default.
    `joint_check`: raises ConfigError for arguments that contradict each other."""

    takes: tuple[str, ...]
    gives: str
    rules: Mapping[str, Rule]
    required: tuple[str, ...]
    joint_check: Callable[[Mapping[str, Any]], None] | None


def declare(
    takes: str,
    gives: str,
    joint_check: Callable[[Mapping[str, Any]], None] | None = None,
    like: Callable[..., Any] | None = None,
    **rules: Rule,
) -> Callable[[Function], Function]:
    """Decorator that declares a function to be a step. `takes`: kinds, separated by "|". `like`: a
    step whose arguments it accepts as well."""

    def mark(function: Function) -> Function:
        base = declared(like) if like else None
        required = [
            name
            for name, parameter in signature(function).parameters.items()
            if name in rules and parameter.default is Parameter.empty
        ]
        found = Declared(
            tuple(takes.split("|")),
            gives,
            {**(base.rules if base else {}), **rules},
            tuple(dict.fromkeys([*(base.required if base else ()), *required])),
            joint_check or (base.joint_check if base else None),
        )
        setattr(function, ATTRIBUTE, found)
        return function

    return mark


ATTRIBUTE = "declared_step"


def declared(function: Callable[..., Any]) -> Declared:
    """The declaration of the step `function`."""
    found: Declared = getattr(function, ATTRIBUTE)
    return found


def check_arguments(name: str, function: Callable[..., Any], args: Any) -> None:
    """Raise ConfigError, naming argument and value, unless the step `name` can take `args`."""
    declaration = declared(function)
    if not isinstance(args, Mapping):
        raise ConfigError(f"Step '{name}': args is {shown(args)}.", "Give names with values.")
    for key in args:
        if key not in declaration.rules:
            names = ", ".join(declaration.rules) or "none"
            raise ConfigError(
                f"Step '{name}' cannot take {shown(key)}.", f"Its arguments are: {names}."
            )
    for key in declaration.required:
        if key not in args:
            rule = declaration.rules[key]
            raise ConfigError(f"Step '{name}' needs {key}: {rule.requirement}.", REMEDY)
    for key, value in args.items():
        rule = declaration.rules[key]
        if not rule.fits(value):
            raise ConfigError(
                f"Step '{name}': {key} is {shown(value)}; it has to be {rule.requirement}.", REMEDY
            )
    if declaration.joint_check:
        declaration.joint_check(args)


def check_order(
    steps: Sequence[tuple[str, Callable[..., Any]]], first: str, last: tuple[str, ...]
) -> None:
    """Raise ConfigError unless `steps` (name, function) can follow each other from a value of the
    kind `first` to one of the kinds `last`."""
    kind = first
    for name, function in steps:
        declaration = declared(function)
        if kind not in declaration.takes:
            raise ConfigError(
                f"Step '{name}' takes {' or '.join(declaration.takes)} and is given {kind}.",
                "Put the steps into an order in which each can take what the one before it gives.",
            )
        kind = declaration.gives
    if kind not in last:
        raise ConfigError(
            f"The steps end with {kind}, and {' or '.join(last)} is wanted.",
            "Add the steps that are missing.",
        )


def same_length(args: Mapping[str, Any], first: str, second: str) -> None:
    """Raise ConfigError unless two lists among `args` are of one length."""
    if len(args[first]) != len(args[second]):
        raise ConfigError(
            f"There are {len(args[first])} {first} and {len(args[second])} {second}.",
            "Give as many of each.",
        )
