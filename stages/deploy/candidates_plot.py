"""Coordinates of the plot of number formats: agreement with the trained model over size or latency,
and the Pareto front of those that nothing cheaper matches."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from stages.deploy.ladder import Candidate

ORIGIN_X, ORIGIN_Y, WIDTH, HEIGHT = 64, 16, 440, 230  # of the plot's inside, in pixels
LEAST_SPAN = 0.02  # of agreement that the drawing spans at least
LEAST_COST = 0.001  # of an axis: times are rounded to it, and may be 0
ROOM = 0.12  # of an axis beyond its outermost point
RADIUS, BESIDE = 9, 13  # of a ringed mark; from its centre to its name
LETTER, LINE = 7.2, 11  # the width and the height of letters
SHIFTS = (-6, 17, -20, 31, -34, 45, -48, 59)  # of a name's line below its mark; 0 is the front's
FAR = 20  # a shift from which on a line leads from the mark to its name

_Box = tuple[float, float, float, float]  # left, top, right, bottom


class LabelPlace(NamedTuple):
    """Where the name of a mark stands: the beginning of its line, or its end if `at_end`. `leader`:
    the end of a thin line from the mark, as "x,y"; empty for a name right beside its mark."""

    x: float
    y: float
    at_end: bool
    leader: str = ""


class PlotMark(NamedTuple):
    """A tested number format: its place in pixels, that of its name, and whether it agrees and is
    shipped."""

    x: float
    y: float
    label: LabelPlace
    numeric: str
    agrees: bool
    shipped: bool
    text: str


class CandidatesPlot(NamedTuple):
    """`axis`: what the horizontal axis is. `across`, `down`: ticks as (pixels, text).
    `pareto_front`: the points of a polyline."""

    axis: str
    marks: list[PlotMark]
    pareto_front: str
    across: list[tuple[float, str]]
    down: list[tuple[float, str]]


class _Point(NamedTuple):
    candidate: Candidate
    cost: float
    agreement: float


def plots(
    candidates: Sequence[Candidate], times: Mapping[str, Mapping[str, Any]] | None
) -> list[CandidatesPlot]:
    """The plots over the size of the network file and, if `times` have it, over the milliseconds of
    the network alone; none of an axis with fewer than two formats."""
    sizes = _points(candidates, lambda each: (each.network_bytes or 0) / 1e6)
    latencies = _points(
        candidates, lambda each: (times or {}).get(each.numeric, {}).get("network_ms")
    )
    axes = {"Network file, MB": sizes, "Network alone, one window, p95, ms": latencies}
    return [_drawn(axis, points) for axis, points in axes.items() if len(points) > 1]


def pareto_front(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """The (cost, agreement) of `points` that none of the same or a lower cost matches, the cheapest
    first."""
    corners: list[tuple[float, float]] = []
    for cost, agreement in sorted(points, key=lambda point: (point[0], -point[1])):
        if not corners or agreement > corners[-1][1]:
            corners.append((cost, agreement))
    return corners


def _points(
    candidates: Sequence[Candidate], cost_of: Callable[[Candidate], float | None]
) -> list[_Point]:
    points = []
    for candidate in candidates:
        cost = cost_of(candidate)
        if candidate.tested and cost is not None:
            points.append(_Point(candidate, cost, candidate.tested.agreement.same.value))
    return points


def _drawn(axis: str, points: Sequence[_Point]) -> CandidatesPlot:
    highest = (max(point.cost for point in points) or LEAST_COST) * (1 + ROOM)
    low = min(point.agreement for point in points)
    low = max(0.0, min(low, 1 - LEAST_SPAN) - ROOM * max(1 - low, LEAST_SPAN))

    def across(cost: float) -> float:
        return round(ORIGIN_X + WIDTH * cost / highest, 1)

    def down(agreement: float) -> float:
        return round(ORIGIN_Y + HEIGHT * (1 - agreement) / (1 - low), 1)

    corners: list[tuple[float, float]] = []
    for cost, agreement in pareto_front([(point.cost, point.agreement) for point in points]):
        corners += [(across(cost), corners[-1][1])] if corners else []
        corners.append((across(cost), down(agreement)))
    corners.append((ORIGIN_X + WIDTH, corners[-1][1]))
    places = [(across(point.cost), down(point.agreement)) for point in points]
    labels = label_places(places, [point.candidate.numeric for point in points])
    return CandidatesPlot(
        axis=axis,
        marks=[_mark(*each) for each in zip(points, places, labels, strict=True)],
        pareto_front=" ".join(f"{x},{y}" for x, y in corners),
        across=[(across(tick), f"{tick:g}") for tick in _ticks(0, highest)],
        down=[(down(tick), f"{100 * tick:g} %") for tick in _ticks(low, 1)],
    )


def label_places(marks: Sequence[tuple[float, float]], names: Sequence[str]) -> list[LabelPlace]:
    """Where the name of each mark stands: beside it, at the nearest height where it covers no other
    name and no mark; at the nearest of all if there is none."""
    boxes = [(x - RADIUS, y - RADIUS, x + RADIUS, y + RADIUS) for x, y in marks]
    found = []
    for (x, y), name in zip(marks, names, strict=True):
        tried = [
            (_place(place, y, shift, at_end), _box(place, y + shift, at_end, name))
            for shift in SHIFTS
            for place, at_end in ((x + BESIDE, False), (x - BESIDE, True))
        ]
        free = [pair for pair in tried if not any(_overlap(pair[1], box) for box in boxes)]
        label, box = (free or tried)[0]
        boxes.append(box)
        found.append(label)
    return found


def _place(x: float, mark: float, shift: int, at_end: bool) -> LabelPlace:
    """The place of a name at `x`, `shift` below the height `mark` of its mark."""
    y = mark + shift
    beside = x + 2 if at_end else x - 2
    return LabelPlace(x, y, at_end, f"{beside:.1f},{y - 4:.1f}" if abs(shift) >= FAR else "")


def _box(x: float, y: float, at_end: bool, name: str) -> _Box:
    """The rectangle of a name whose line begins, or ends, at (x, y)."""
    width = LETTER * len(name)
    left = x - width if at_end else x
    return left, y - LINE, left + width, y + 3


def _overlap(first: _Box, second: _Box) -> bool:
    """Whether two rectangles overlap, or the first is not inside the plot."""
    inside = first[0] >= ORIGIN_X and first[2] <= ORIGIN_X + WIDTH and first[1] >= 0
    apart = first[0] >= second[2] or second[0] >= first[2]
    return not inside or not (apart or first[1] >= second[3] or second[1] >= first[3])


def _mark(point: _Point, place: tuple[float, float], label: LabelPlace) -> PlotMark:
    candidate = point.candidate
    agrees = bool(candidate.tested and not candidate.tested.agreement.failures)
    text = f"{candidate.numeric}: {point.cost:.3g}, {100 * point.agreement:.1f} %"
    return PlotMark(*place, label, candidate.numeric, agrees, candidate.selected, text)


def _ticks(low: float, high: float) -> list[float]:
    """Round numbers from `low` to `high`, 3 to 7 of them."""
    span = high - low
    unit = 10.0 ** math.floor(math.log10(span))
    step = next(unit * k / 10 for k in (1, 2, 5, 10, 20) if span / (unit * k / 10) <= 7)
    first = math.ceil(round(low / step, 9))
    return [round(k * step, 10) for k in range(first, math.floor(round(high / step, 9)) + 1)]
