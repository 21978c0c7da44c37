"""Coordinates of the lines of a plot, which templates draw as SVG: sharp in print, reproducible."""

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from stages.artifacts import Measure
from stages.metrics import PrecisionRecallCurve, Threshold
from stages.metrics.boxes import BoxThreshold

# Okabe and Ito's colours, told apart with any colour vision (jfly.uni-koeln.de/color); base.html
# has them for light and for dark pages
COLOURS = tuple(f"var(--curve-{number})" for number in range(1, 9))
DASHES = ("", "7 3", "2 3", "9 3 2 3", "", "7 3", "2 3", "9 3 2 3")
GREY = "var(--rest)"

SHARES = [(tick / 5, f"{tick / 5:.1f}") for tick in range(6)]  # ticks of an axis from 0 to 1
LEFT, TOP, WIDTH, HEIGHT = 46, 12, 400, 270  # of the plot's inside, in pixels


class Line(NamedTuple):
    """A polyline. `points`: in SVG's form. A line without a name has no entry in the legend."""

    name: str
    points: str
    colour: str
    dash: str = ""
    note: str = ""


class MarkedPoint(NamedTuple):
    """A measured point with the intervals of both coordinates."""

    name: str
    x: Measure
    y: Measure


def across(share: float) -> float:
    """Pixels from the left edge of the drawing to `share` (0 to 1) of the horizontal axis."""
    return round(LEFT + WIDTH * share, 1)


def down(share: float) -> float:
    """Pixels from the top of the drawing to `share` (0 to 1) of the vertical axis."""
    return round(TOP + HEIGHT * (1 - share), 1)


def points(xs: Sequence[float], ys: Sequence[float]) -> str:
    """The points of an SVG polyline."""
    return " ".join(f"{across(x)},{down(y)}" for x, y in zip(xs, ys, strict=True))


def precision_recall(curves: dict[str, PrecisionRecallCurve]) -> list[Line]:
    """One line for each label: those with the smallest area coloured, the rest grey behind them."""
    order = sorted(curves, key=lambda label: (curves[label].average_precision, label))
    coloured, remaining = order[: len(COLOURS)], order[len(COLOURS) :]
    behind = [Line("", _steps(curves[label]), GREY) for label in remaining]
    before = [
        Line(label, _steps(curves[label]), colour, dash, f"{curves[label].average_precision:.3f}")
        for label, colour, dash in zip(coloured, COLOURS, DASHES, strict=False)
    ]
    return behind + before


def _steps(curve: PrecisionRecallCurve) -> str:
    """The points of `curve`, beginning at recall 0 with its first precision."""
    return points([0.0, *curve.recall], [curve.precision[0], *curve.precision])


def by_threshold(rows: Sequence[Threshold], noun: str) -> list[Line]:
    """How precision falls and coverage rises as the threshold falls."""
    answered_rows = [row for row in rows if row.precision.n]
    return [
        Line(
            "right among the answers",
            points(
                [row.threshold for row in answered_rows],
                [row.precision.value for row in answered_rows],
            ),
            COLOURS[0],
        ),
        Line(
            f"{noun}s that get an answer",
            points([row.threshold for row in rows], [row.coverage.value for row in rows]),
            COLOURS[1],
            DASHES[1],
        ),
        Line(
            f"{noun}s that get a right answer",
            points([row.threshold for row in rows], [row.recall.value for row in rows]),
            COLOURS[2],
            DASHES[2],
        ),
    ]


def boxes_by_threshold(rows: Sequence[BoxThreshold]) -> list[Line]:
    """How precision rises and recall falls as the threshold on a box's score rises."""
    names = {
        "precision": "precision",
        "recall": "recall",
        "f1": "F1",
    }
    measured_rows = {name: [row for row in rows if getattr(row, name).n] for name in names}
    return [
        Line(
            title,
            points(
                [row.threshold for row in measured_rows[name]],
                [getattr(row, name).value for row in measured_rows[name]],
            ),
            colour,
            dash,
        )
        for (name, title), colour, dash in zip(names.items(), COLOURS, DASHES, strict=False)
    ]


class Axis(NamedTuple):
    """Ticks along an axis: their places, as shares, and what is written there."""

    ticks: list[tuple[float, str]]


def over_minutes(epochs: Sequence[Mapping[str, float]], metric: str) -> tuple[list[Line], Axis]:
    """`metric` over the minutes of training, from 0 on; empty if no epoch has both."""
    measured = [
        (epoch["minutes"], epoch[metric]) for epoch in epochs if {"minutes", metric} <= epoch.keys()
    ]
    if not measured:
        return [], Axis([])
    step = step_of(max(minutes for minutes, _ in measured))
    end = step * math.ceil(max(minutes for minutes, _ in measured) / step)
    line = Line(
        metric, points([x / end for x, _ in measured], [y for _, y in measured]), COLOURS[0]
    )
    count = round(end / step)
    return [line], Axis([(k / count, f"{k * step:g}") for k in range(count + 1)])


def step_of(most: float) -> float:
    """A round step that divides an axis up to `most` into 3 to 8 parts."""
    unit = 10.0 ** math.floor(math.log10(max(most, 1e-6)))
    return next(step for step in (unit * k / 10 for k in (2, 5, 10, 20)) if most / step <= 8)
