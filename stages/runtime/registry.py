"""Tables from a part's name to the place where it lives: parts are listed without importing them.

An installed package may add parts of its own to a table, by entry points of the table's group."""

from collections.abc import Iterator
from difflib import get_close_matches
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from importlib.util import resolve_name
from typing import Any

from .errors import UnknownPart


def nearest(name: str, names: list[str]) -> str:
    """A question that suggests the one of `names` most similar to `name`; "" if none is."""
    near = get_close_matches(name, names, n=1, cutoff=0.5)
    return f"Did you mean '{near[0]}'? " if near else ""


class Registry:
    """The parts of one `kind`. `places`: name to 'module:attribute', relative to the package
    `home`. `group`: of the entry points by which packages add parts; none can replace one of
    `places`. Indexing with a name imports the part; raises UnknownPart."""

    def __init__(self, kind: str, home: str, places: dict[str, str], group: str = "") -> None:
        self.kind = kind
        self.home = home
        self.places = places
        self.group = group

    def __iter__(self) -> Iterator[str]:
        return iter({**self.places, **self._added})

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and (name in self.places or name in self._added)

    def check(self, name: str) -> str:
        """Return `name`, or raise `UnknownPart` with the nearest name and the whole list."""
        if name not in self:
            names = sorted(self)
            raise UnknownPart(
                f"No {self.kind} is called '{name}'.",
                f"{nearest(name, names)}There are: {', '.join(names)}.",
            )
        return name

    def __getitem__(self, name: str) -> Any:
        place = self.places.get(self.check(name)) or self._added[name]
        module, _, attribute = place.partition(":")
        try:
            return getattr(import_module(module, self.home), attribute)
        except ModuleNotFoundError as error:
            if error.name != resolve_name(module, self.home):  # it is there, and lacks a library
                raise
            raise UnknownPart(
                f"The {self.kind} '{name}' is none of those that are packed here.",
                "A package carries only what it needs itself: make it again.",
            ) from error

    @property
    def _added(self) -> dict[str, str]:
        """The places of the parts that installed packages add, by name."""
        return _added_by_packages(self.group) if self.group else {}


@cache
def _added_by_packages(group: str) -> dict[str, str]:
    return {point.name: point.value for point in entry_points(group=group)}
