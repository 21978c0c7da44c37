"""Results of rung budgets in the journal: what was trained before is not trained again."""

from collections.abc import Callable

from stages.train.journal import Journal
from stages.train.search.successive_halving import RungBudget, SuccessiveHalving, TrialResult

ReportResult = Callable[[RungBudget, TrialResult], None]


def next_unknown(
    halving: SuccessiveHalving, journal: Journal, report: ReportResult
) -> RungBudget | None:
    """The next budget without a cached result; cached ones before it are given to `report`."""
    while budget := halving.next():
        result = found(budget, journal)
        if result is None:
            return budget
        report(budget, result)
    return None


def keep(budget: RungBudget, result: TrialResult, journal: Journal) -> None:
    """Keep the `result` of `budget` in the journal."""
    journal.keep(budget.key, result.facts, result.arrays)


def found(budget: RungBudget, journal: Journal) -> TrialResult | None:
    """The result of `budget` that the journal has, if any."""
    entry = journal.find(budget.key)
    return TrialResult(**entry.facts, arrays=entry.data) if entry else None
