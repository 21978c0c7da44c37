"""Legs of a search and its journal: what was taught before is told at once."""

from collections.abc import Callable

from stages.train.halving import Halving, Leg, Taught
from stages.train.journal import Journal

Told = Callable[[Leg, Taught], None]


def next_unknown(halving: Halving, journal: Journal, told: Told) -> Leg | None:
    """The next leg that has to be taught; those before it that are known are `told`."""
    while leg := halving.next():
        taught = found(leg, journal)
        if taught is None:
            return leg
        told(leg, taught)
    return None


def keep(leg: Leg, taught: Taught, journal: Journal) -> None:
    """Keep what `leg` brought."""
    journal.keep(leg.key, taught.facts, taught.arrays)


def found(leg: Leg, journal: Journal) -> Taught | None:
    """What `leg` brought before, if that is known."""
    entry = journal.find(leg.key)
    return Taught(**entry.facts, arrays=entry.data) if entry else None
