"""Coordinates for the plot of trials: the metric over the cost, and the Pareto front of the trials
that no cheaper one matches."""

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from stages.config.device import HERE, Device
from stages.evaluate.drawing import COLOURS
from stages.evaluate.trials.rows import LOWER, TrialRow, is_measured

LEFT, TOP, WIDTH, HEIGHT = 72, 14, 470, 290  # of the plot's inside, in pixels
FALLBACK_COLOUR = "#8a93a3"  # inputs for which no colour is left
WIDE = 26.0  # pixels over which the trials of one input are spread at most
LEAST = 0.02  # of a metric that the drawing spans at least
REFERENCE = "reference milliseconds of the network, one window"
GOLDEN = 0.618034  # so that neighbours in number are spread apart


class Mark(NamedTuple):
    """A trial's mark in the plot. `below`: its value is below the drawn range."""

    x: float
    y: float
    colour: str
    row: TrialRow
    below: bool


class LegendEntry(NamedTuple):
    """An input, or an arm, in the legend: its best value and its cost."""

    name: str
    colour: str
    best: float
    cost: float
    trials: int


class Plot(NamedTuple):
    """`across`, `down`: ticks as (pixels, text). `pareto_front`: the points of a polyline."""

    marks: list[Mark]
    pareto_front: str
    across: list[tuple[float, str]]
    down: list[tuple[float, str]]
    legend: list[LegendEntry]
    below: int
    unit: str


class AxisScale(NamedTuple):
    """From a number to its share of an axis. Logarithmic where the ends are far apart."""

    low: float
    high: float
    log: bool = False

    def share(self, value: float) -> float:
        """The position of `value` on the axis, from 0 at `low` to 1 at `high`."""
        if self.log:
            return math.log(value / self.low) / math.log(self.high / self.low)
        return (value - self.low) / (self.high - self.low)


def drawn(rows: Sequence[TrialRow], metric: str, device: Device, unit: str = "") -> Plot | None:
    """The plot of all trials; None if there is only one, or no cost is known. `unit`: what the cost
    of `rows` is, if not milliseconds."""
    if len(rows) < 2 or any(row.cost is None for row in rows):
        return None
    entries = _legend(rows)
    colours = {entry.name: entry.colour for entry in entries}
    x, y = _costs(rows), _values(rows)
    marks = [_mark(row, x, y, colours[row.group], _spread(rows, x)) for row in rows]
    sign = -1 if metric in LOWER else 1
    measured = is_measured({row.input for row in rows}, device)
    return Plot(
        marks=sorted(marks, key=lambda mark: (mark.row.chosen, mark.row.phase, -mark.y)),
        pareto_front=_line(pareto_front(rows), x, y),
        across=[(_across(x.share(tick)), f"{tick:g}") for tick in _ticks(x)],
        down=[(_down(y.share(tick)), _written(sign * tick, metric)) for tick in _ticks(y)],
        legend=entries,
        below=sum(mark.below for mark in marks),
        unit=unit or (_unit(device) if measured else REFERENCE),
    )


def pareto_front(rows: Sequence[TrialRow]) -> list[TrialRow]:
    """The rows that no row of the same or a lower cost matches, the cheapest first."""
    best: list[TrialRow] = []
    for row in sorted(rows, key=lambda row: (row.cost or 0.0, -row.score)):
        if not best or row.score > best[-1].score:
            best.append(row)
    return best


def _unit(device: Device) -> str:
    where = HERE if device.profile == HERE else device.profile
    return f"milliseconds of the network untrained, p95 on {where}, one window"


def _legend(rows: Sequence[TrialRow]) -> list[LegendEntry]:
    """The inputs, or arms of an architecture search, that with the best trial first."""
    names = list(dict.fromkeys(row.group for row in rows))
    colours = [*COLOURS[:-1], *[FALLBACK_COLOUR] * len(names)]
    entries = []
    for name, colour in zip(names, colours, strict=False):
        own = [row for row in rows if row.group == name]
        entries.append(LegendEntry(name, colour, own[0].value, own[0].cost or 0.0, len(own)))
    return entries


def _costs(rows: Sequence[TrialRow]) -> AxisScale:
    costs = [row.cost or 0.0 for row in rows]
    if min(costs) > 0 and max(costs) > 8 * min(costs):
        return AxisScale(min(costs) / 1.25, max(costs) * 1.25, log=True)
    return AxisScale(0.0, max(costs) * 1.12)


def _values(rows: Sequence[TrialRow]) -> AxisScale:
    """The range of values: from slightly above the best down to the worst, but at most three times
    as far below the best as the median, so that a few failures do not squeeze the others."""
    scores = sorted(row.score for row in rows)
    best, middle = scores[-1], scores[len(scores) // 2]
    least = max(scores[0], best - 3 * max(best - middle, LEAST))
    room = max(best - least, LEAST) * 0.08
    return AxisScale(min(least, best - LEAST) - room, best + room)


def _spread(rows: Sequence[TrialRow], x: AxisScale) -> float:
    """The width in pixels over which trials of one input are spread, without reaching the next."""
    places = sorted({x.share(row.cost or 0.0) * WIDTH for row in rows})
    gaps = [right - left for left, right in pairwise(places)]
    return min([WIDE, *(0.8 * gap for gap in gaps)])


def _mark(row: TrialRow, x: AxisScale, y: AxisScale, colour: str, spread: float) -> Mark:
    offset = 0.0 if row.chosen else ((row.number * GOLDEN) % 1 - 0.5) * spread
    share, below = y.share(row.score), row.score < y.low
    place = _across(x.share(row.cost or 0.0)) + offset
    return Mark(round(place, 1), _down(max(share, 0.0)), colour, row, below)


def _line(rows: Sequence[TrialRow], x: AxisScale, y: AxisScale) -> str:
    """The Pareto front as a step line out to the right edge."""
    points: list[tuple[float, float]] = []
    for row in rows:
        here = _across(x.share(row.cost or 0.0))
        points += [(here, points[-1][1])] if points else []
        points.append((here, _down(max(y.share(row.score), 0.0))))
    points.append((LEFT + WIDTH, points[-1][1]))
    return " ".join(f"{across},{down}" for across, down in points)


def _across(share: float) -> float:
    return round(LEFT + WIDTH * share, 1)


def _down(share: float) -> float:
    return round(TOP + HEIGHT * (1 - share), 1)


def _ticks(scale: AxisScale) -> list[float]:
    """Round numbers within `scale`, 3 to 8 of them."""
    if scale.log:
        tens = range(math.floor(math.log10(scale.low)), math.ceil(math.log10(scale.high)) + 1)
        all_of = [round(k * 10.0**ten, 10) for ten in tens for k in (1, 2, 5)]
        return [tick for tick in all_of if scale.low <= tick <= scale.high]
    span = scale.high - scale.low
    unit = 10.0 ** math.floor(math.log10(span))
    step = next(unit * k / 10 for k in (1, 2, 5, 10, 20) if span / (unit * k / 10) <= 7)
    first = math.ceil(scale.low / step)
    return [round(k * step, 10) for k in range(first, math.floor(scale.high / step) + 1)]


def _written(value: float, metric: str) -> str:
    return f"{abs(value):g}" if metric in LOWER else f"{100 * value:g} %"
