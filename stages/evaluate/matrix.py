"""The confusion matrix as a table of shaded cells, readable with two labels and with many."""

from collections.abc import Sequence
from typing import NamedTuple

MOST = 40  # labels shown; of more, those with the most mistakes
_ACROSS = 6  # with more labels than this, or longer names, columns' names stand upright
_LONGEST = 12
_SHORT = 2  # characters that fit over the narrowest column


class Cell(NamedTuple):
    """`shade` is 0 to 100, by the share of the true label's samples."""

    number: int
    shade: int
    right: bool
    title: str


class Matrix(NamedTuple):
    """`rows`: a label's name, cells, and how many samples it has. `upright`: whether the names of
    columns are turned, as they would be wider than the columns."""

    columns: list[str]
    rows: list[tuple[str, list[Cell], int]]
    upright: bool
    size: str
    hidden: int


def matrix(
    confusion: list[list[int]],
    labels: Sequence[str],
    plural: str,
    rest: tuple[str, str] | None = None,
) -> Matrix:
    """`labels` in their order, a row for each true one and a column for each predicted one.

    `plural`: what is counted, such as photos. `rest`: the names of the last row and the last column
    of `confusion`, if these are no labels."""
    true, predicted = ([*labels, *(rest[side : side + 1] if rest else ())] for side in (0, 1))
    shown = _shown(confusion, bool(rest))
    names = [predicted[index] for index in shown]
    longest = max(map(len, names))
    upright = longest > (_LONGEST if len(names) <= _ACROSS else _SHORT)
    rows = [
        (
            true[index],
            _cells(confusion, (true, predicted), index, shown, plural),
            sum(confusion[index]),
        )
        for index in shown
    ]
    size = "big" if len(names) <= 12 else "middle" if len(names) <= 20 else "small"
    return Matrix(names, rows, upright, size, len(true) - len(shown))


def _shown(confusion: list[list[int]], rest: bool) -> list[int]:
    """The labels with the most mistakes, and what is no label."""
    total = range(len(confusion))
    if len(confusion) <= MOST:
        return list(total)
    wrong = [
        sum(confusion[i]) + sum(row[i] for row in confusion) - 2 * confusion[i][i] for i in total
    ]
    shown = sorted(total[: len(total) - rest], key=lambda index: -wrong[index])[:MOST]
    return [*sorted(shown), *total[len(total) - rest :]]


def _cells(
    confusion: list[list[int]],
    names: tuple[list[str], list[str]],
    index: int,
    shown: list[int],
    plural: str,
) -> list[Cell]:
    row = confusion[index]
    total = max(sum(row), 1)
    true, predicted = names
    return [
        Cell(
            row[other],
            # a power below 1, so that a few mistakes among many samples are visible
            round(100 * (row[other] / total) ** (1.0 if other == index else 0.6)),
            other == index,
            f"{row[other]} of {sum(row)} {plural} of '{true[index]}' "
            f"taken for '{predicted[other]}'",
        )
        for other in shown
    ]
