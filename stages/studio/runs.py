"""A run: its progress and log while it works, what came of it, and its pages in a frame."""

from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, Response
from starlette.routing import Route

from stages.pages.catalogue import LANGUAGES, SOURCE
from stages.pages.languages import place_of
from stages.pages.translation import translated
from stages.runner.lock import run_folder
from stages.settings import Settings
from stages.studio import run_process
from stages.studio.pipelines import begin_run
from stages.studio.progress import progress_of
from stages.studio.rendering import NotFound, leading_to, page
from stages.studio.run_list import RunView, pages_of, run_named
from stages.studio.words import language_of

LOG_LINES = 200
# The pages contain no script and need nothing from elsewhere; with these rules none could run.
# `allow-same-origin` lets links from one page to another carry the cookie.
PAGE_POLICY = (
    "sandbox allow-same-origin; default-src 'none'; style-src 'unsafe-inline'; img-src data:; "
    "media-src data:; font-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
)


def routes(settings: Settings) -> list[Route]:
    """The page of a run, its progress, cancel and go on, and the pages of its artifacts."""

    def run(request: Request) -> Response:
        view = _run(request, settings)
        if view.state == "finished" or not request.query_params.get("part"):
            template = "run.html"
        else:
            template = "progress.html"
        return _run_page(request, template, view, settings)

    def progress(request: Request) -> Response:
        return _run_page(request, "progress.html", _run(request, settings), settings)

    def cancel(request: Request) -> Response:
        view = _run(request, settings)
        if process := run_process.find(view.name, settings):
            process.stop()
        return leading_to(request, f"/runs/{view.name}")

    def resume(request: Request) -> Response:
        view = _run(request, settings)
        path = _pipeline_of(view, settings)
        if path is None:
            raise NotFound(
                f"The YAML of the pipeline '{view.pipeline}' is not in {settings.pipelines}.",
                "Put it there, or start another pipeline.",
            )
        return leading_to(request, f"/runs/{begin_run(path, settings, view.name)}")

    def framed(request: Request) -> Response:
        view, file = _run(request, settings), request.path_params["file"]
        pages = pages_of(view.name, settings)
        if file not in [found.file for found in pages]:
            raise NotFound("This run has no such page.", "Its own page lists what there is.")
        place = place_of(file, language_of(request))
        return page(request, "framed.html", run=view, file=file, place=place, pages=pages)

    def artifact_page(request: Request) -> Response:
        view, file = _run(request, settings), request.path_params["file"]
        if file not in [found.file for found in pages_of(view.name, settings)]:
            raise NotFound("This run has no such page.", "Its own page lists what there is.")
        language = request.path_params.get("language", SOURCE)
        if language not in LANGUAGES:
            raise NotFound("There are no pages in this language.", "The run's own page lists all.")
        folder = run_folder(view.name, settings)
        path = folder / place_of(file, language)
        headers = {"content-security-policy": PAGE_POLICY}
        if path.is_file():
            return FileResponse(path, media_type="text/html; charset=utf-8", headers=headers)
        # a run of an older version has English pages alone
        text = translated((folder / file).read_text(encoding="utf-8"), language)
        return HTMLResponse(text, headers=headers)

    return [
        Route("/runs/{run}", run),
        Route("/runs/{run}/progress", progress),
        Route("/runs/{run}/cancel", cancel, methods=["POST"]),
        Route("/runs/{run}/resume", resume, methods=["POST"]),
        Route("/runs/{run}/look/{file}", framed),
        Route("/runs/{run}/pages/{file}", artifact_page),
        Route("/runs/{run}/pages/{language}/{file}", artifact_page),
    ]


def _run_page(request: Request, template: str, view: RunView, settings: Settings) -> Response:
    log = run_process.log_of(view.name, settings)
    process = run_process.find(view.name, settings)
    resumable = view.state in ("stopped", "ended") and _pipeline_of(view, settings) is not None
    return page(
        request,
        template,
        run=view,
        log="\n".join(log.splitlines()[-LOG_LINES:]),
        progress=progress_of(log),
        pages=pages_of(view.name, settings),
        ours=bool(process and process.is_running),
        resumable=resumable,
    )


def _pipeline_of(view: RunView, settings: Settings) -> Path | None:
    """The YAML of the run's pipeline; None if it is not in the folder of pipelines."""
    path = settings.pipelines / f"{view.pipeline}.yaml"
    return path if view.pipeline and path.is_file() else None


def _run(request: Request, settings: Settings) -> RunView:
    """The run in the address. Raises NotFound."""
    name = request.path_params["run"]
    run_process.folder_of(name, settings)  # refuses what is no name
    view = run_named(name, settings)
    if view is None:
        raise NotFound(f"There is no run called '{name}'.", "The first page lists them.")
    return view
