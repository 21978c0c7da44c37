"""The mistakes of a run's model on the test split, the surest first, with what it looked at."""

from typing import NamedTuple

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from stages.artifacts import Report
from stages.evaluate.kinds import kind_of
from stages.evaluate.outcomes import SampleOutcome
from stages.evaluate.predictions import read_predicted
from stages.evaluate.side_by_side import PREDICTIONS
from stages.opening import open_store
from stages.parts import TASKS
from stages.runner.lock import load_lock
from stages.runner.shipped import model_ref, trained_of
from stages.settings import Settings
from stages.store import Store
from stages.studio.overlays import OverlayDrawer, model_of, why_no_overlay
from stages.studio.rendering import NotFound, page
from stages.studio.run_process import folder_of

MOST = 100  # mistakes on the page


class MistakenSample(NamedTuple):
    """A test sample that the model gets wrong."""

    digest: str
    name: str
    outcome: SampleOutcome


def routes(settings: Settings) -> list[Route]:
    """The page of a run's mistakes, and the overlays on it."""
    store = open_store(settings)

    def mistakes(request: Request) -> Response:
        report = _report(request, store, settings)
        found = mistakes_of(report, store)
        task = TASKS[report.task]
        return page(
            request,
            "mistakes.html",
            run=request.path_params["run"],
            mistakes=found[:MOST],
            total=len(found),
            modality=task.modality,
            answers=task.answers,
            no_overlay=why_no_overlay(model_ref(report), store) if task.answers == "labels" else "",
        )

    def overlay(request: Request) -> Response:
        report = _report(request, store, settings)
        digest, label = request.path_params["digest"], request.query_params.get("label", "")
        if digest not in {mistake.digest for mistake in mistakes_of(report, store)}:
            raise NotFound("There is no such mistake.", "Load the page again.")
        model = model_of(model_ref(report), store)
        drawer: OverlayDrawer = request.app.state.overlays
        return drawer.of_sample(model.ref.id, digest, label).answer

    return [
        Route("/runs/{run}/mistakes", mistakes),
        Route("/runs/{run}/mistakes/{digest}/overlay", overlay),
    ]


def mistakes_of(report: Report, store: Store) -> list[MistakenSample]:
    """The wrong answers of the report's model, those with the highest score first."""
    predicted = read_predicted(store.get(report.files[PREDICTIONS]))
    outcomes = kind_of(report.task).sample_outcomes(predicted, report.threshold)
    found = [
        MistakenSample(digest, name, outcome)
        for digest, name, outcome in zip(predicted.files, predicted.names, outcomes, strict=True)
        if not outcome.right
    ]
    return sorted(found, key=lambda mistake: -(mistake.outcome.score or 0.0))


def _report(request: Request, store: Store, settings: Settings) -> Report:
    """The report of the run in the address. Raises NotFound."""
    name = request.path_params["run"]
    folder_of(name, settings)  # refuses what is no name
    lock = load_lock(name, store)
    report = trained_of(lock, store) if lock else None
    if report is None or PREDICTIONS not in report.files:
        raise NotFound(f"The run '{name}' has no report.", "The first page lists the runs.")
    return report
