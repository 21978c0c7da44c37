"""Measures the variants of a package's network, and writes them as JSON, as a table and as a
page with a plot."""

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from math import log10
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from stages.deploy.bench.costs import Costs, costs_of
from stages.deploy.bench.grid import Variant, variants
from stages.deploy.device.measuring import CannotRun
from stages.deploy.engines import Engine, size_of
from stages.pages import render
from stages.parts import ENGINES
from stages.runtime.description import description_of
from stages.runtime.errors import ConfigError, WorkflowError
from stages.runtime.predictor import Predictor
from stages.runtime.processor import instruction_set
from stages.runtime.sealed import read
from stages.runtime.selftest import GOLDEN
from stages.store import Store

TEMPLATE = Path(__file__).with_name("bench.html")
COLOURS = {"float32": "var(--curve-1)", "float16": "var(--curve-3)", "int8": "var(--curve-2)"}
AXIS_START, AXIS_END, TOP, ROW = 190, 730, 34, 26  # of the plot


@dataclass(frozen=True)
class BenchRow:
    """One engine and number format. `costs`: by number of threads; `agreeing`: how many of `golden`
    samples keep the package's answer, None if that was not tried; `why`: the reason for no
    figures."""

    engine: str
    numeric: str
    size_mb: float | None = None
    costs: Mapping[int, Costs] = field(default_factory=dict)
    agreeing: int | None = None
    golden: int = 0
    why: str = ""

    @property
    def record(self) -> dict[str, Any]:
        """As JSON."""
        costs = {str(threads): costs.record for threads, costs in self.costs.items()}
        return {**asdict(self), "costs": costs}


@dataclass(frozen=True)
class Bench:
    """The rows of a package; `shape` of one window, on a processor of `instruction_set`."""

    name: str
    numeric: str
    engine: str
    shape: tuple[int, ...]
    instruction_set: str
    cores: int
    rows: tuple[BenchRow, ...]

    @property
    def record(self) -> bytes:
        """As JSON."""
        fields = {**asdict(self), "rows": [row.record for row in self.rows]}
        return (json.dumps(fields, indent=1) + "\n").encode()

    @property
    def fastest(self) -> BenchRow | None:
        """The row with the least processor time of those that keep every golden sample."""
        sound = [row for row in self.rows if row.costs and row.agreeing == row.golden]
        return min(sound, key=lambda row: row.costs[1].cpu_ms, default=None)


def benched(
    folder: Path,
    store: Store,
    seconds: float = 2.0,
    progress: Callable[[str], None] = lambda text: None,
    engines: Sequence[str] = (),
) -> Bench:
    """Measure the package in `folder` in every engine, or only in `engines`, and every number
    format, on one thread and on all cores, for `seconds` each.

    Raises Damaged if the package is not as it was packed."""
    description = description_of(folder)
    if "classify" in description:
        raise ConfigError(
            f"{description['name']} is a chain of two networks, and one is measured at a time.",
            "Measure the packages that it was made of; `info` shows their ids as made_of.",
        )
    cores = os.cpu_count() or 1
    rows = []
    for variant in variants(folder, description, store, engines):
        progress(f"{variant.engine} {variant.numeric}".strip())
        rows.append(_row(variant, folder, description, sorted({1, cores}), seconds))
    return Bench(
        name=description["name"],
        numeric=description["numeric"],
        engine=description["backend"],
        shape=tuple(description["input_shape"]),
        instruction_set=instruction_set(),
        cores=cores,
        rows=tuple(rows),
    )


def _row(
    variant: Variant,
    folder: Path,
    description: Mapping[str, Any],
    threads: Sequence[int],
    seconds: float,
) -> BenchRow:
    if variant.network is None:
        return BenchRow(variant.engine, variant.numeric, why=variant.why)
    engine: Engine = ENGINES[variant.engine]
    size = size_of(variant.network) / 1e6
    with TemporaryDirectory() as name:
        graph = engine.place(variant.network, Path(name))
        arguments = (graph, engine.backend, variant.numeric, description["input_shape"])
        try:
            costs = {count: costs_of(*arguments, count, seconds) for count in threads}
        except CannotRun as error:
            return BenchRow(variant.engine, variant.numeric, size, why=error.problem)
        changed = {"backend": engine.backend, "numeric": variant.numeric}
        agreeing, golden = _agreeing(folder, {**description, **changed}, graph)
    return BenchRow(variant.engine, variant.numeric, size, costs, agreeing, golden)


def _agreeing(folder: Path, description: Mapping[str, Any], graph: Path) -> tuple[int | None, int]:
    """How many golden samples of the package keep their answer with the network `graph`, and how
    many there are."""
    cases = json.loads(read(folder, GOLDEN))["cases"]
    try:
        with Predictor(description, graph) as predictor:
            answers = [
                (case["expected"], predictor.kind.golden(predictor, read(folder, case["file"])))
                for case in cases
            ]
            agreeing = sum(predictor.kind.keeps(*pair) for pair in answers)
    except WorkflowError:
        return None, len(cases)
    return agreeing, len(cases)


class Bar(NamedTuple):
    """A row of the plot: from the median to the 95th percentile, at height `y`."""

    label: str
    y: int
    x: float
    end: float
    colour: str
    text: str


def bars(bench: Bench) -> tuple[list[Bar], list[tuple[float, str]]]:
    """The rows of the plot and the marks of its axis, which is logarithmic, in milliseconds."""
    rows = [row for row in bench.rows if row.costs]
    times = [ms for row in rows for ms in (row.costs[1].p50_ms, row.costs[1].p95_ms)] or [1.0]
    low, high = log10(min(times) * 0.8), log10(max(times) * 1.25)

    def across(ms: float) -> float:
        return round(AXIS_START + (log10(ms) - low) / (high - low) * (AXIS_END - AXIS_START), 1)

    drawn = [
        Bar(
            label=f"{row.engine} {row.numeric}",
            y=TOP + ROW * place,
            x=across(row.costs[1].p50_ms),
            end=across(row.costs[1].p95_ms),
            colour=COLOURS.get(row.numeric, "var(--soft)"),
            text=f"median {row.costs[1].p50_ms:.3g} ms, p95 {row.costs[1].p95_ms:.3g} ms",
        )
        for place, row in enumerate(rows)
    ]
    return drawn, [(across(ms), f"{ms:g}") for ms in _marks(low, high)]


def _marks(low: float, high: float) -> Iterator[float]:
    for power in range(-3, 6):
        for factor in (1, 2, 5):
            if low <= log10(factor * 10.0**power) <= high:
                yield factor * 10.0**power


def page(bench: Bench) -> str:
    """The rows as a page with a plot."""
    drawn, marks = bars(bench)
    bottom = TOP + ROW * len(drawn)
    context = {"bench": bench, "bars": drawn, "marks": marks, "bottom": bottom, "colours": COLOURS}
    return render(TEMPLATE, **context)
