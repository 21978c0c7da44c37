"""Accuracy for each value of a further column of the table, such as a cell's type."""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from stages.artifacts import Measure
from stages.evaluate.labels.scores import Scored

MOST = 12  # values; a column with more is a name or a number, not a group
FEWEST = 5  # samples of a value, else its accuracy is not shown

Groups = dict[str, dict[str, Measure]]


def groups(scored: Scored, extras: Sequence[dict[str, str]]) -> Groups:
    """Accuracy by column and value, for the columns that divide the samples into a few groups."""
    right = scored.predicted == scored.truth
    columns = sorted({name for extra in extras for name in extra})
    by_column = {
        name: _accuracies([extra.get(name, "") for extra in extras], right, scored)
        for name in columns
    }
    return {name: values for name, values in by_column.items() if len(values) > 1}


def _accuracies(values: list[str], right: np.ndarray, scored: Scored) -> dict[str, Measure]:
    counts = Counter(values)
    if len(counts) > MOST:
        return {}
    rows = np.array(values)
    return {
        value: scored.share(right, rows == value)
        for value, count in sorted(counts.items())
        if count >= FEWEST
    }


def worse(found: Groups, overall: Measure) -> list[tuple[str, str, Measure]]:
    """The groups (column, value, accuracy) that are surely worse than all samples together."""
    return [
        (column, value, measure)
        for column, values in found.items()
        for value, measure in values.items()
        if measure.high < overall.low
    ]
