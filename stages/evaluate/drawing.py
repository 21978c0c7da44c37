"""Where the lines of a plot go. The templates draw them as SVG: sharp in print, equal bytes."""

from collections.abc import Sequence
from typing import NamedTuple

from stages.metrics import Curve, Threshold

# Okabe and Ito's colours, told apart with any colour vision (jfly.uni-koeln.de/color)
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#a6761d", "#e69f00", "#000000")
DASHES = ("", "7 3", "2 3", "9 3 2 3", "", "7 3", "2 3", "9 3 2 3")
GREY = "#c6ccd6"

LEFT, TOP, WIDTH, HEIGHT = 46, 12, 400, 270  # of the plot's inside, in pixels


class Line(NamedTuple):
    """A line with its place in the legend; grey ones are the background and have none."""

    name: str
    points: str
    colour: str
    dash: str = ""
    note: str = ""


def across(share: float) -> float:
    return round(LEFT + WIDTH * share, 1)


def down(share: float) -> float:
    return round(TOP + HEIGHT * (1 - share), 1)


def points(xs: Sequence[float], ys: Sequence[float]) -> str:
    """The points of an SVG polyline."""
    return " ".join(f"{across(x)},{down(y)}" for x, y in zip(xs, ys, strict=True))


def precision_recall(curves: dict[str, Curve]) -> list[Line]:
    """One line for each label: those with the smallest area in colour, the others behind them."""
    order = sorted(curves, key=lambda label: (curves[label].average_precision, label))
    coloured, others = order[: len(COLOURS)], order[len(COLOURS) :]
    behind = [Line("", _steps(curves[label]), GREY) for label in others]
    before = [
        Line(label, _steps(curves[label]), colour, dash, f"{curves[label].average_precision:.3f}")
        for label, colour, dash in zip(coloured, COLOURS, DASHES, strict=False)
    ]
    return behind + before


def _steps(curve: Curve) -> str:
    """From recall 0 at the first precision to the end."""
    return points([0.0, *curve.recall], [curve.precision[0], *curve.precision])


def by_threshold(rows: Sequence[Threshold], thing: str) -> list[Line]:
    """How precision falls and coverage rises as the threshold falls."""
    given = [row for row in rows if row.precision.n]
    return [
        Line(
            "right among the answers",
            points([row.threshold for row in given], [row.precision.value for row in given]),
            COLOURS[0],
        ),
        Line(
            f"{thing}s that get an answer",
            points([row.threshold for row in rows], [row.coverage.value for row in rows]),
            COLOURS[1],
            DASHES[1],
        ),
        Line(
            f"{thing}s that get a right answer",
            points([row.threshold for row in rows], [row.recall.value for row in rows]),
            COLOURS[2],
            DASHES[2],
        ),
    ]
