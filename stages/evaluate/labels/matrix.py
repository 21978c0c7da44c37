"""The confusion matrix as a table of shaded cells, readable with two labels and with thirty."""

from typing import NamedTuple

from stages.metrics import Measured

MOST = 40  # labels shown; of more, those with the most mistakes
_NUMBERED = 6  # with more labels than this, or longer names, columns have numbers for names
_LONGEST = 12


class Cell(NamedTuple):
    """`shade` is 0 to 100, by the share of the true label's samples."""

    number: int
    shade: int
    right: bool
    title: str


class Matrix(NamedTuple):
    """`rows`: a label's number, name, cells, and how many samples it has."""

    columns: list[str]
    rows: list[tuple[int, str, list[Cell], int]]
    numbered: bool
    size: str
    hidden: int


def matrix(measured: Measured, thing: str) -> Matrix:
    """The labels in their order, a row for each true one and a column for each predicted one."""
    labels = list(measured.labels)
    shown = _shown(measured.confusion)
    names = [labels[index] for index in shown]
    numbered = len(names) > _NUMBERED or any(len(name) > _LONGEST for name in names)
    rows = [
        (
            place,
            labels[index],
            _cells(measured.confusion, labels, index, shown, thing),
            sum(measured.confusion[index]),
        )
        for place, index in enumerate(shown, 1)
    ]
    columns = [str(place) for place in range(1, len(names) + 1)] if numbered else names
    size = "big" if len(names) <= 12 else "middle" if len(names) <= 20 else "small"
    return Matrix(columns, rows, numbered, size, len(labels) - len(shown))


def _shown(confusion: list[list[int]]) -> list[int]:
    total = range(len(confusion))
    if len(confusion) <= MOST:
        return list(total)
    wrong = [
        sum(confusion[i]) + sum(row[i] for row in confusion) - 2 * confusion[i][i] for i in total
    ]
    return sorted(sorted(total, key=lambda index: -wrong[index])[:MOST])


def _cells(
    confusion: list[list[int]], labels: list[str], index: int, shown: list[int], thing: str
) -> list[Cell]:
    row = confusion[index]
    total = max(sum(row), 1)
    return [
        Cell(
            row[other],
            # a root, so that a few mistakes among many samples can be seen
            round(100 * (row[other] / total) ** (1.0 if other == index else 0.6)),
            other == index,
            f"{row[other]} of {sum(row)} {thing}s of '{labels[index]}' taken for '{labels[other]}'",
        )
        for other in shown
    ]
