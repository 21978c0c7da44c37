"""A table from names to places in code: parts can be listed and checked without importing them."""

from collections.abc import Iterator
from difflib import get_close_matches
from importlib import import_module
from importlib.util import resolve_name
from typing import Any

from .errors import UnknownPart


def nearest(name: str, names: list[str]) -> str:
    """A question that suggests the one of `names` most similar to `name`; "" if none is."""
    near = get_close_matches(name, names, n=1, cutoff=0.5)
    return f"Did you mean '{near[0]}'? " if near else ""


class Registry:
    """The parts of one `kind`. `places`: name to 'module:attribute', relative to the package
    `home`. Indexing with a name imports the part; raises UnknownPart."""

    def __init__(self, kind: str, home: str, places: dict[str, str]) -> None:
        self.kind = kind
        self.home = home
        self.places = places

    def __iter__(self) -> Iterator[str]:
        return iter(self.places)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name in self.places

    def check(self, name: str) -> str:
        """Return `name`, or raise `UnknownPart` with the nearest name and the whole list."""
        if name not in self.places:
            names = sorted(self.places)
            raise UnknownPart(
                f"No {self.kind} is called '{name}'.",
                f"{nearest(name, names)}There are: {', '.join(names)}.",
            )
        return name

    def __getitem__(self, name: str) -> Any:
        module, _, attribute = self.places[self.check(name)].partition(":")
        try:
            return getattr(import_module(module, self.home), attribute)
        except ModuleNotFoundError as error:
            if error.name != resolve_name(module, self.home):  # it is there, and lacks a library
                raise
            raise UnknownPart(
                f"The {self.kind} '{name}' is none of those that are packed here.",
                "A package carries only what it needs itself: make it again.",
            ) from error
