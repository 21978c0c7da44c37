"""The first page: data sets, pipelines, runs, packages, each with its next step; and the pages of a
data set."""

from pathlib import Path
from typing import NamedTuple

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from stages.config import pipeline_files, read_pipeline
from stages.etl import source
from stages.etl.source import Revision
from stages.parts import WRITERS
from stages.publish.live_pipelines import live_pipelines
from stages.runtime.errors import WorkflowError
from stages.settings import Settings
from stages.studio.rendering import NotFound, page
from stages.studio.run_list import RunView, runs_of

MOST_RUNS = 30


class DataView(NamedTuple):
    """A data set with its newest revision, or why its list cannot be read."""

    name: str
    newest: Revision | None
    revisions: int
    problem: str = ""


class PipelineView(NamedTuple):
    """A pipeline in the folder of pipelines, or why it cannot be read; and its newest run."""

    name: str
    task: str
    data: str
    newest: RunView | None
    problem: str = ""


def routes(settings: Settings) -> list[Route]:
    """The first page, and a page for each data set."""

    def home(request: Request) -> Response:
        runs = runs_of(settings)
        newest, earlier = divided_packages(runs)
        return page(
            request,
            "home.html",
            data=data_views(settings),
            pipelines=pipeline_views(settings, runs),
            runs=runs[:MOST_RUNS],
            packages=newest,
            earlier=earlier,
            live=live_pipelines(settings),
        )

    def data_set(request: Request) -> Response:
        name, revisions = data_of(request, settings)
        return page(
            request, "data.html", name=name, revisions=revisions[::-1], layouts=list(WRITERS)
        )

    return [Route("/", home), Route("/data/{name}", data_set)]


def data_of(request: Request, settings: Settings) -> tuple[str, list[Revision]]:
    """The name of the data set in the address, and its revisions, oldest first. Raises NotFound if
    there is no such data, ConfigError for what is no name."""
    name = request.path_params["name"]
    source.check_name(name)
    revisions = source.revisions(name, settings)
    if not revisions:
        raise NotFound(f"There is no data called '{name}'.", "The first page lists them.")
    return name, revisions


def data_views(settings: Settings) -> list[DataView]:
    """Every data set of the workspace."""
    views = []
    for name in source.names(settings):
        try:
            revisions = source.revisions(name, settings)
        except WorkflowError as error:
            views.append(DataView(name, None, 0, error.problem))
        else:
            views.append(DataView(name, revisions[-1] if revisions else None, len(revisions)))
    return views


def pipeline_views(settings: Settings, runs: list[RunView]) -> list[PipelineView]:
    """Every pipeline of the folder of pipelines."""
    return [_pipeline(path, runs) for path in pipeline_files(settings.pipelines)]


def packages_of(runs: list[RunView]) -> list[tuple[RunView, int]]:
    """Each package once, as the newest run that has it and the package's place in it."""
    found: dict[str, tuple[RunView, int]] = {}
    for run in runs:
        for place, package in enumerate(run.packages):
            found.setdefault(package.id, (run, place))
    return list(found.values())


def divided_packages(
    runs: list[RunView],
) -> tuple[list[tuple[RunView, int]], list[tuple[RunView, int]]]:
    """What `packages_of` gives, divided: the newest package of each pipeline and target, and the
    earlier ones."""
    newest: dict[tuple[str, str], tuple[RunView, int]] = {}
    earlier = []
    for run, place in packages_of(runs):
        key = (run.pipeline, run.packages[place].target)
        if newest.setdefault(key, (run, place)) != (run, place):
            earlier.append((run, place))
    return list(newest.values()), earlier


def _pipeline(path: Path, runs: list[RunView]) -> PipelineView:
    newest = next((run for run in runs if run.pipeline == path.stem), None)
    try:
        config = read_pipeline(path)
    except WorkflowError as error:
        return PipelineView(path.stem, "", "", newest, error.problem)
    revision = f"@{config.data.revision[:8]}" if config.data.revision else ""
    return PipelineView(path.stem, config.task, config.data.name + revision, newest)
