"""Models of several runs side by side: their figures, what ships from them, and each against the
first on the test samples that both answered."""

from typing import Any, NamedTuple

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from stages.artifacts import Model, Ref, Report
from stages.closure import Code, code_of
from stages.memo import CachedContent
from stages.opening import open_store
from stages.parts import TASKS
from stages.runner.lock import load_lock
from stages.runner.shipped import model_ref, trained_of
from stages.runtime.errors import WorkflowError
from stages.settings import Settings
from stages.store import Store
from stages.studio import child
from stages.studio.rendering import NotFound, page
from stages.studio.run_list import RunView, run_named, runs_of
from stages.studio.run_process import folder_of

MOST = 4  # models on one page
MOST_SAMPLES = 60  # of each sort on the page


class ComparedModel(NamedTuple):
    """A run with its report. `letter`: its short name on the page; `family`: of its model;
    `milliseconds`: by package, the 95th percentile of the time for a sample, if it was measured."""

    letter: str
    run: RunView
    report: Report
    family: str
    milliseconds: dict[str, float]


class ModelPair(NamedTuple):
    """`second` against `first`: the record of SideBySide, or the `problem` with comparing them."""

    first: ComparedModel
    second: ComparedModel
    record: dict[str, Any]
    problem: str = ""


def routes(settings: Settings) -> list[Route]:
    """The page with the models of the runs in the address; without two, the page to choose them."""

    def compare(request: Request) -> Response:
        names = list(dict.fromkeys(request.query_params.getlist("run")))[:MOST]
        store = open_store(settings)
        if len(names) < 2:
            runs = [run for run in runs_of(settings) if run.trained]
            return page(request, "compare_choice.html", runs=runs, chosen=names, most=MOST)
        models = _models(names, store, settings)
        first, *rest = models
        pairs = [_pair(first, model, store, settings) for model in rest]
        modality = TASKS[first.run.task].modality if first.run.task in TASKS else ""
        return page(
            request,
            "compare.html",
            models=models,
            pairs=pairs,
            modality=modality,
            most=MOST_SAMPLES,
            points=points,
            drawn=drawn,
        )

    return [Route("/compare", compare)]


def compared(settings: Settings, first: str, second: str) -> dict[str, Any]:
    """The record of the models of two reports, given by their ids, from the cache or computed; for
    a process of its own, as the interval of boxes takes a while."""
    from stages.evaluate.side_by_side import side_by_side

    store = open_store(settings)

    def make() -> CachedContent:
        reports: list[Report] = [store.load(Ref("report", id)) for id in (first, second)]
        return CachedContent(side_by_side(reports[0], reports[1], store).record)

    record: dict[str, Any] = store.memo(_key(first, second), _code(), make).facts
    return record


def points(value: float) -> str:
    """A difference of shares in percentage points, with its sign."""
    return f"{100 * value:+.1f}".replace("-", "−")


def drawn(low: float, value: float, high: float) -> dict[str, float]:
    """The interval as places from 0 to 100 on a line with 0 in its middle."""
    reach = max(abs(low), abs(high), 0.01) * 1.1
    places = {"low": low, "value": value, "high": high}
    return {name: round(50 + 50 * place / reach, 2) for name, place in places.items()}


def _key(first: str, second: str) -> list[str]:
    return ["side by side", first, second]


def _code() -> Code:
    return code_of("stages.evaluate.side_by_side")


def _pair(
    first: ComparedModel, second: ComparedModel, store: Store, settings: Settings
) -> ModelPair:
    ids = {"first": first.report.ref.id, "second": second.report.ref.id}
    try:
        found = store.memo.find(_key(**ids), _code())
        record = found.facts if found else child.called("compared", ids, settings)
    except WorkflowError as error:
        return ModelPair(first, second, {}, error.problem)
    return ModelPair(first, second, record)


def _models(names: list[str], store: Store, settings: Settings) -> list[ComparedModel]:
    """The models of the runs `names`, the oldest first. Raises NotFound for a run that there is
    not, or that has no report."""
    found = []
    for name in names:
        folder_of(name, settings)  # refuses what is no name
        run, lock = run_named(name, settings), load_lock(name, store)
        report = trained_of(lock, store) if lock else None
        if run is None or report is None:
            raise NotFound(f"The run '{name}' has no report.", "Choose another one.")
        found.append((run, report))
    found.sort(key=lambda pair: pair[0].when)
    return [
        ComparedModel(letter, run, report, _family(report, store), _milliseconds(run, store))
        for letter, (run, report) in zip("ABCD", found, strict=False)
    ]


def _family(report: Report, store: Store) -> str:
    """The family of the report's model; '' if the model is not in this store."""
    ref = model_ref(report)
    if ref is None or not store.holds(ref):
        return ""
    model: Model = store.load(ref)
    return model.family


def _milliseconds(run: RunView, store: Store) -> dict[str, float]:
    noted = {package.id: store.noted(f"latency/{package.id}") or {} for package in run.packages}
    return {id: float(times["p95_ms"]) for id, times in noted.items() if "p95_ms" in times}
