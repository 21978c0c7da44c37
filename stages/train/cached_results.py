"""Legs of a search and its journal: what was taught before is told at once."""

from collections.abc import Callable

from stages.train.journal import Journal
from stages.train.successive_halving import RungBudget, SuccessiveHalving, TrialResult

Told = Callable[[RungBudget, TrialResult], None]


def next_unknown(halving: SuccessiveHalving, journal: Journal, told: Told) -> RungBudget | None:
    """The next leg that has to be taught; those before it that are known are `told`."""
    while leg := halving.next():
        taught = found(leg, journal)
        if taught is None:
            return leg
        told(leg, taught)
    return None


def keep(leg: RungBudget, taught: TrialResult, journal: Journal) -> None:
    """Keep what `leg` brought."""
    journal.keep(leg.key, taught.facts, taught.arrays)


def found(leg: RungBudget, journal: Journal) -> TrialResult | None:
    """What `leg` brought before, if that is known."""
    entry = journal.find(leg.key)
    return TrialResult(**entry.facts, arrays=entry.data) if entry else None
