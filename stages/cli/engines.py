"""aiwf conformance, aiwf bench, aiwf advise: what engines answer, what they cost, which to take."""

import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stages.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stages.config.device_profile import DeviceProfile
    from stages.deploy.bench.advice import Demand
    from stages.deploy.bench.measured import Bench, BenchRow
    from stages.deploy.conformance.instruction_set_runs import SetRun
    from stages.deploy.conformance.results import Comparison
    from stages.deploy.engines import Engine


def conformance(
    engine: Annotated[str, typer.Argument(help="An engine's name, as in deploy.engine.")],
    family: Annotated[
        list[str] | None, typer.Option(help="Only this model family; may be given several times.")
    ] = None,
    matrix: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Write the engine's row into the support matrix there."),
    ] = None,
    emulate: Annotated[
        bool,
        typer.Option(help="Also on the processors that qemu-user emulates here; takes minutes."),
    ] = False,
    arm64: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="An arm64 interpreter with its libraries, to emulate it."),
    ] = None,
) -> None:
    """Run networks of all model families in an engine, and compare with the numpy engine."""
    from stages.deploy.conformance.matrix import row, update
    from stages.deploy.conformance.probe import sums_as_stated
    from stages.deploy.engines import check_installed
    from stages.parts import ENGINES, FAMILIES
    from stages.runtime.neutral import line

    record: Engine = ENGINES[engine]
    check_installed(record)
    names = [FAMILIES.check(name) for name in family or FAMILIES]
    comparisons = []
    for name in names:
        for comparison in _compared(record, name):
            comparisons.append(comparison)
            verdict = "ok " if comparison.passed else "BAD"
            shares = ", ".join(f"{n} {away:.2g}" for n, away in comparison.differences.items())
            print(f"  {verdict} {comparison.network:<24} {shares}", flush=True)
            for failure in comparison.failures:
                print(f"      {line(failure)}")
    sums = sums_as_stated(record)
    print(f"  {'ok ' if sums.passed else 'BAD'} sums: {sums.found}")
    runs = _emulated_runs(record, arm64) if emulate or arm64 else {}
    passed = sum(comparison.passed for comparison in comparisons)
    print(f"{record.name}: {passed} of {len(comparisons)} networks pass all checks.")
    if matrix:
        print(f"wrote {update(matrix, record.name, row(record, comparisons, sums, runs))}")
    problems = [run.problem for run in runs.values() if run.problem]
    if passed < len(comparisons) or not sums.passed or problems:
        sys.exit(5)


def _emulated_runs(record: "Engine", arm64: Path | None) -> "dict[str, SetRun]":
    """What `record` does on each processor that can be emulated, by instruction set."""
    from stages.deploy.conformance.instruction_set_runs import NETWORK, emulated_run
    from stages.deploy.conformance.networks import reference_network
    from stages.deploy.conformance.references import with_answers
    from stages.deploy.emulated_processors import emulated
    from stages.opening import open_store, resources_of
    from stages.runtime.errors import BackendMissing
    from stages.runtime.neutral import line
    from stages.runtime.processor import instruction_set

    settings, runs = Settings(), {}
    with reference_network(NETWORK, open_store(settings), resources_of(settings)) as graphs:
        reference = next(with_answers(NETWORK, graphs))
        for name, processor in emulated(arm64).items():
            if name == instruction_set():
                continue
            try:
                run = runs[name] = emulated_run(record, name, processor, reference)
            except BackendMissing as error:
                print(f"  -   {name}: {error.problem}", flush=True)
                continue
            verdict = f"BAD {line(run.problem)}" if run.problem else "ok "
            print(f"  {verdict} {name}, emulated {processor.name}", flush=True)
    return runs


def _compared(record: "Engine", family: str) -> "list[Comparison]":
    from stages.deploy.conformance.checks import compared
    from stages.deploy.conformance.networks import reference_network
    from stages.deploy.conformance.references import with_answers
    from stages.opening import open_store, resources_of

    settings = Settings()
    with reference_network(family, open_store(settings), resources_of(settings)) as graphs:
        return [
            compared(record, reference, whole=place == 0)
            for place, reference in enumerate(with_answers(family, graphs))
        ]


def bench(
    package: Annotated[
        str, typer.Argument(metavar="PACKAGE", help="A package's folder or zip, or package@id.")
    ],
    out: Annotated[Path, typer.Option(help="Folder for bench.html and bench.json.")] = Path(
        "bench"
    ),
    seconds: Annotated[float, typer.Option(min=0.1, help="So long for each figure.")] = 2.0,
) -> None:
    """Measure a package's network in every engine and number format that is installed here."""
    from stages.deploy.bench.measured import benched, page
    from stages.evaluate.packaged import opened_package
    from stages.opening import open_store
    from stages.pages.languages import with_languages, write_in_languages
    from stages.runtime.files import write

    store = open_store(Settings())
    with opened_package(package, store) as folder:
        result = benched(folder, store, seconds, lambda name: print(f"  {name} ...", flush=True))
    write(out / "bench.json", result.record)
    write_in_languages(out, "bench.html", partial(with_languages, page(result), "bench.html"))
    _print_bench(result)
    print(f"\nMade:\n  {out / 'bench.html'}\n  {out / 'bench.json'}")


def _print_bench(result: "Bench") -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table

    table = Table(box=box.SIMPLE)
    titles = ["Engine", "Format", "MB", "Load ms", "p50 ms", "p95 ms", "CPU ms"]
    titles += ["1/s", f"1/s, {result.cores} threads", "Memory MB", "Golden kept"]
    for title in titles:
        table.add_column(title, justify="left" if title in titles[:2] else "right")
    for row in result.rows:
        if row.costs:
            table.add_row(row.engine, row.numeric, *_figures(row, result.cores))
    Console(width=120).print(table)
    for row in result.rows:
        if row.why:
            print(f"  {row.engine} {row.numeric}: {row.why}")
    if best := result.fastest:
        print(f"\nFastest of those that keep every golden sample: {best.engine} {best.numeric}.")


def _figures(row: "BenchRow", cores: int) -> list[str]:
    single = row.costs[1]
    times = [
        f"{value:.3g}" for value in (single.load_ms, single.p50_ms, single.p95_ms, single.cpu_ms)
    ]
    rates = [f"{row.costs[threads].per_second:.3g}" for threads in (1, cores)]
    agreeing = "–" if row.agreeing is None else f"{row.agreeing} of {row.golden}"
    return [f"{row.size_mb:.2f}", *times, *rates, f"{single.memory_mb:.0f}", agreeing]


def advise(
    package: Annotated[
        str | None,
        typer.Argument(metavar="[PACKAGE]", help="A package to measure: folder, zip, package@id."),
    ] = None,
    demand: Annotated[
        str | None,
        typer.Option(help="demo, server, throughput, nvidia, device or custom; asked if left out."),
    ] = None,
    device: Annotated[
        str | None, typer.Option(help="The device, by its profile; `aiwf devices` lists them.")
    ] = None,
    seconds: Annotated[float, typer.Option(min=0.1, help="So long for each figure.")] = 1.0,
) -> None:
    """Say how to deploy for a demand, with what the package measures on this machine."""
    import yaml

    from stages.deploy.bench.advice import DEMANDS, advice, in_question
    from stages.deploy.bench.measured import benched
    from stages.evaluate.packaged import opened_package
    from stages.opening import open_store

    profile = _profile(device) if device else None
    chosen = _demand(demand or "device") if demand or device else _confirmed(DEMANDS)
    engines = in_question(chosen, profile)
    bench_result = None
    if package:
        store = open_store(Settings())
        with opened_package(package, store) as folder:
            bench_result = benched(folder, store, seconds, engines=engines)
    found = advice(chosen, bench_result, profile)
    print(f"{chosen.question}\n  {chosen.recipe}\n\n  {found.figures}")
    if found.published:
        print("  Published for it, not measured here:")
    for published in found.published:
        print(f"    {published}")
    if found.alternatives:
        print(
            f"  Chosen from {found.alternatives + 1} by {chosen.orders_by}; `aiwf bench` shows all."
        )
    print("\nIn the pipeline:")
    print(yaml.safe_dump(found.settings, sort_keys=False, default_flow_style=None), end="")


def _profile(name: str) -> "DeviceProfile":
    from stages.config.device_profiles import find_profile, unknown_profile

    folder = Settings().device_profiles
    profile = find_profile(name, folder)
    if profile is None:
        raise unknown_profile(name, folder)
    return profile


def _demand(name: str) -> "Demand":
    from stages.deploy.bench.advice import DEMANDS
    from stages.runtime.errors import UnknownPart
    from stages.runtime.registry import nearest

    demands = {demand.key: demand for demand in DEMANDS}
    if name not in demands:
        raise UnknownPart(
            f"No demand is called '{name}'.",
            f"{nearest(name, list(demands))}There are: {', '.join(demands)}.",
        )
    return demands[name]


def _confirmed(demands: "Sequence[Demand]") -> "Demand":
    """The first demand whose question is answered with yes. Raises ConfigError without a
    terminal."""
    from stages.runtime.errors import ConfigError

    keys = ", ".join(demand.key for demand in demands)
    if not sys.stdin.isatty():
        raise ConfigError("There is nobody to ask.", f"Say --demand with one of: {keys}.")
    for demand in demands:
        if typer.confirm(demand.question):
            return demand
    raise ConfigError("None of the demands was chosen.", f"Say --demand with one of: {keys}.")
