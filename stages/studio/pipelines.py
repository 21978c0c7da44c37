"""Pipelines: the form that writes one, the page that shows it with its plan and changes it, and the
button that starts a run of it."""

from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, get_args

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from stages.config import PipelineConfig, TrainConfig, parse_pipeline, read_pipeline
from stages.config.text_file import decoded
from stages.etl import source
from stages.parts import TASKS
from stages.runner.pipeline import new_run_name
from stages.runner.room import size
from stages.runtime.errors import ConfigError, WorkflowError
from stages.runtime.files import write
from stages.settings import Settings
from stages.studio import child, run_process
from stages.studio.rendering import NotFound, form_of, leading_to, page
from stages.studio.run_list import headline_metric, runs_of

METRICS: tuple[str, ...] = get_args(TrainConfig.model_fields["metric"].annotation)
LEAST_RECALL = "recall of every label"
EMPTY = dict.fromkeys(("metric", "minutes", "least", "least_recall"), "")


def routes(settings: Settings) -> list[Route]:
    """The form, the page of a pipeline, its plan, changing it, and starting a run."""

    def new(request: Request) -> Response:
        return _form_page(request, {"data": request.query_params.get("data", "")}, settings)

    async def create(request: Request) -> Response:
        form = await form_of(request)
        return await run_in_threadpool(_create, request, form, settings)

    def pipeline(request: Request) -> Response:
        return _pipeline_page(request, _path(request, settings), settings)

    async def change(request: Request) -> Response:
        form = await form_of(request)
        return await run_in_threadpool(_change, request, form, settings)

    def plan(request: Request) -> Response:
        path = _path(request, settings)
        try:
            found = child.called("planned", {"pipeline": str(path.absolute())}, settings)
        except WorkflowError as error:
            wrong = {"problem": error.problem, "remedy": error.remedy}
            return page(request, "plan.html", 200, name=path.stem, plan=None, **wrong)
        return page(request, "plan.html", name=path.stem, plan=found, size=size)

    def train(request: Request) -> Response:
        path = _path(request, settings)
        return leading_to(request, f"/runs/{begin_run(path, settings)}")

    return [
        Route("/train", new),
        Route("/train", create, methods=["POST"]),
        Route("/pipelines/{name}", pipeline),
        Route("/pipelines/{name}/plan", plan),
        Route("/pipelines/{name}/change", change, methods=["POST"]),
        Route("/pipelines/{name}/train", train, methods=["POST"]),
    ]


def begin_run(path: Path, settings: Settings, run: str = "") -> str:
    """Start a run of the pipeline in the file `path`, and return its name; `run`: one to go on
    with. If the studio has a run of it in progress, that one is returned."""
    config = read_pipeline(path)
    for process in run_process.started_runs(settings):
        if process.pipeline == str(path.absolute()) and process.is_running:
            return process.run
    began = datetime.now(UTC).isoformat(timespec="seconds")
    return run_process.start(path, run or new_run_name(config.name), began, settings).run


def yaml_text(form: dict[str, str]) -> str:
    """The YAML of the pipeline that the `form` describes: what is left empty stays a default.

    Raises ConfigError for a number that is none."""
    import yaml

    task = form.get("task", "")
    record: dict[str, Any] = {
        "name": form.get("name", ""),
        "task": task,
        "data": form.get("data", ""),
    }
    train: dict[str, Any] = {}
    if form.get("minutes"):
        train["budget_minutes"] = _number(form["minutes"])
    if form.get("metric") in METRICS and task in TASKS and TASKS[task].trainer == "heads":
        train["metric"] = form["metric"]
    gate = {}
    if form.get("least") and task in TASKS:
        gate[headline_metric(task)] = _share(form["least"])
    if form.get("least_recall"):
        gate[LEAST_RECALL] = _share(form["least_recall"])
    if train:
        record["train"] = train
    if gate:
        record["evaluate"] = {"gate": gate}
    text: str = yaml.safe_dump(record, sort_keys=False, allow_unicode=True)
    return text


def _create(request: Request, form: dict[str, str], settings: Settings) -> Response:
    """Write the pipeline of the form and lead to its page; or the form again, with what is
    wrong."""
    try:
        text = yaml_text(form)
        config = parse_pipeline(text, "The pipeline")
        source.find(config.data, settings)
        _keep(config, text, settings)
    except WorkflowError as error:
        return _form_page(request, form, settings, error)
    return leading_to(request, f"/pipelines/{config.name}")


def _keep(config: PipelineConfig, text: str, settings: Settings) -> None:
    """Write `text` into the folder of pipelines. Raises ConfigError if there is such a file."""
    if not settings.pipelines.is_dir() and settings.pipelines.exists():
        raise ConfigError(
            f"{settings.pipelines} is a file, so that no pipeline can be kept beside it.",
            "Set AIWF_PIPELINES to a folder.",
        )
    path = settings.pipelines / f"{config.name}.yaml"
    if path.exists():
        raise ConfigError(
            f"There is a pipeline called '{config.name}' already.",
            "Choose another name, or open that pipeline on the first page.",
        )
    write(path, text)


def _pipeline_page(
    request: Request,
    path: Path,
    settings: Settings,
    change: str = "",
    refused: WorkflowError | None = None,
) -> Response:
    """The page of the pipeline in the file `path`; with a `change` of its text that was refused, if
    there is one."""
    content = path.read_bytes()
    try:
        text, problem = decoded(content), ""
        read_pipeline(path)
    except (WorkflowError, UnicodeDecodeError) as error:
        text, problem = content.decode("utf-8", "replace"), str(error)
    shown = change or text
    return page(
        request,
        "pipeline.html",
        200 if refused is None else 422,
        name=path.stem,
        text=shown,
        lines=min(max(len(shown.splitlines()) + 1, 8), 40),
        version=sha256(content).hexdigest(),
        problem=problem,
        refused=refused,
        runs=[run for run in runs_of(settings) if run.pipeline == path.stem][:10],
    )


def _change(request: Request, form: dict[str, str], settings: Settings) -> Response:
    """Write the YAML of the form in place of the pipeline's, and lead to its page; or the page
    again, with what is wrong."""
    path, text = _path(request, settings), form.get("text", "").replace("\r\n", "\n") + "\n"
    try:
        config = parse_pipeline(text, "The pipeline")
        if config.name != path.stem:
            raise ConfigError(
                f"The name is '{config.name}' now, and this pipeline is called '{path.stem}'.",
                "Leave the name as it was, or make a new pipeline of that name.",
            )
        source.find(config.data, settings)
        if form.get("version") != sha256(path.read_bytes()).hexdigest():
            raise ConfigError(
                f"{path.name} was changed since this page was loaded, so nothing was written.",
                "Compare your text with the pipeline in another tab, and send it again.",
            )
        write(path, text)
    except WorkflowError as error:
        return _pipeline_page(request, path, settings, text, error)
    return leading_to(request, f"/pipelines/{path.stem}")


def _form_page(
    request: Request, form: dict[str, str], settings: Settings, error: WorkflowError | None = None
) -> Response:
    names = source.names(settings)
    chosen = form.get("data") or (names[0] if len(names) == 1 else "")
    return page(
        request,
        "train.html",
        200 if error is None else 422,
        names=names,
        tasks={name: headline_metric(name) for name in TASKS},
        metrics=METRICS,
        form={**EMPTY, "name": chosen, "task": _task_of(chosen, settings), **form, "data": chosen},
        problem=error.problem if error else "",
        remedy=error.remedy if error else "",
    )


def _task_of(data: str, settings: Settings) -> str:
    """The first task that reads the layout of the newest revision of `data`; '' without data."""
    revisions = source.revisions(data, settings) if data in source.names(settings) else []
    summary = revisions[-1].summary if revisions else ()
    layout = summary[0].removeprefix("layout: ") if summary else ""
    return next((name for name in TASKS if layout in TASKS[name].readers), "")


def _number(text: str) -> float:
    try:
        number = float(text.replace(",", "."))
    except ValueError:
        raise ConfigError(f"'{text[:80]}' is no number.", "Write a number such as 10.") from None
    return int(number) if number.is_integer() else number


def _share(text: str) -> float:
    """A share of what is given in per cent."""
    number = _number(text.removesuffix("%").strip())
    if not 0 <= number <= 100:
        raise ConfigError(f"{text[:80]} is no share.", "Write per cent, from 0 to 100.")
    return round(number / 100, 6)


def _path(request: Request, settings: Settings) -> Path:
    """The YAML of the pipeline in the address. Raises NotFound."""
    name = request.path_params["name"]
    path = settings.pipelines / f"{name}.yaml"
    if "/" in name or "\0" in name or name.startswith(".") or not path.is_file():
        raise NotFound(f"There is no pipeline called '{name[:80]}'.", "The first page lists them.")
    return path
