"""aiwf pick: another point of a search's Pareto front."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stages.settings import Settings

if TYPE_CHECKING:
    from stages.evaluate.trials.pareto import ParetoPoint
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
    Without limits, list the networks that there are."""
    from stages.cli.outcome import has_failed, print_outcome
    from stages.cli.running import in_process
    from stages.runner.pick import Wanted, picked_pipeline, picked_point, searched_run
    from stages.runtime.errors import WorkflowError

    settings = Settings()
    found, wanted = searched_run(run, settings), Wanted(size_kb, parameters, macs)
    if not wanted.limits:
        _print_points(found)
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


def _print_points(found: "SearchedRun") -> None:
    print(f"The Pareto front of the search of {found.lock.run}, the smallest network first:")
    for point in found.pareto_front:
        notes = " (packed by this run)" if point.row.chosen else ""
        notes += "" if point.row.whole else " (stopped early)"
        print(f"  trial {point.row.number:<4} {_figures(point)}{notes}")
    print("Pack another with --size-kb, --parameters or --macs.")


def _figures(point: "ParetoPoint") -> str:
    """The figures of a network in one line."""
    return (
        f"{abs(point.row.score):.3f} held out, {point.parameters:,} parameters, "
        f"{point.macs:,} MACs, {point.row.group}"
    )
