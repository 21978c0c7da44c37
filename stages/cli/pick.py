"""aiwf pick: another point of a search's Pareto front."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stages.settings import Settings

if TYPE_CHECKING:
    from stages.config.device import DeviceCost
    from stages.evaluate.trials.pareto import ParetoPoint
    from stages.runner.measured_points import Costs
    from stages.runner.pick import SearchedRun


def pick(
    run: Annotated[
        str, typer.Argument(help="A run that searched architectures, or its run.lock.json.")
    ],
    size_kb: Annotated[
        float | None, typer.Option(min=0.001, help="Largest network file, in kilobytes.")
    ] = None,
    parameters: Annotated[int | None, typer.Option(min=1, help="Most parameters.")] = None,
    macs: Annotated[
        int | None, typer.Option(min=1, help="Most multiply-accumulates for one window.")
    ] = None,
    name: Annotated[str, typer.Option(help="Name of the new run.")] = "",
) -> None:
    """Pack another network of a search, the best within these limits, without searching again.
    Without limits, list the networks that there are, each measured on the device."""
    from stages.cli.outcome import has_failed, print_outcome
    from stages.cli.running import in_process
    from stages.runner.pick import (
        Wanted,
        costs_of,
        picked_pipeline,
        picked_point,
        searched_run,
    )
    from stages.runtime.errors import WorkflowError

    settings = Settings()
    found, wanted = searched_run(run, settings), Wanted(size_kb, parameters, macs)
    if not wanted.limits:
        _print_points(found, costs_of(found, settings))
        return
    point = picked_point(found, wanted, settings)
    print(f"Trial {point.row.number} of {found.lock.run}: {_figures(point)}")
    pipeline, started = picked_pipeline(found, point, wanted), list[str]()
    source = Path(found.lock.pipeline)
    try:
        in_process(pipeline, settings, name, started.append)
    except WorkflowError:
        if started and has_failed(started[0], settings):
            print_outcome(started[0], source, settings)
        raise
    print_outcome(started[0], source, settings)


def _print_points(found: "SearchedRun", costs: "Costs") -> None:
    print(f"The Pareto front of the search of {found.lock.run}, the smallest network first:")
    for point in found.pareto_front:
        notes = " (packed by this run)" if point.row.chosen else ""
        notes += "" if point.row.whole else " (stopped early)"
        measured = _measured(costs[point.row.number])
        print(f"  trial {point.row.number:<4} {_figures(point)}, {measured}{notes}")
    print("Measured on packages of untrained networks, one window on one thread.")
    print("Pack another with --size-kb, --parameters or --macs.")


def _measured(cost: "DeviceCost") -> str:
    """What was measured of a network, in words."""
    size = "" if cost.size_mb is None else f"{1000 * cost.size_mb:.1f} KB {cost.numeric}, "
    if cost.latency_ms_p95 is None:
        return f"{size}not measured: {cost.why.rstrip('.')}"
    return f"{size}p95 {cost.latency_ms_p95:.3g} ms"


def _figures(point: "ParetoPoint") -> str:
    """The figures of a network in one line."""
    return (
        f"{abs(point.row.score):.3f} held out, {point.parameters:,} parameters, "
        f"{point.macs:,} MACs, {point.row.group}"
    )
