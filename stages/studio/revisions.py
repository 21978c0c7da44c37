"""Revisions of a data set: what changed from one to another, and a revision as a zip for other
tools."""

import threading
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, BinaryIO

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from stages.config import DataConfig
from stages.etl import source
from stages.etl.cached_files import CachedFile
from stages.etl.revision_changes import SORTS
from stages.etl.source import Revision
from stages.opening import open_store
from stages.parts import WRITERS
from stages.runtime.errors import ConfigError, WorkflowError
from stages.settings import Settings
from stages.studio import child
from stages.studio.home import data_of
from stages.studio.rendering import NotFound, leading_to, page, zip_download
from stages.studio.revision_work import changes_code, changes_key
from stages.studio.sample_views import SampleViews
from stages.studio.stored_samples import sent

SHOWN = 60  # samples of each sort on the page


def routes(settings: Settings) -> list[Route]:
    """The page of the changes, its part that takes a while, its thumbnails, and the download."""
    store = open_store(settings)
    views = SampleViews(settings, store)
    exporting = threading.Lock()  # one at a time: each needs room on the disk

    def changes(request: Request) -> Response:
        name, first, second = _two(request, settings)
        return page(request, "changes.html", name=name, first=first, second=second)

    def chosen(request: Request) -> Response:
        name, _ = data_of(request, settings)
        pair = [request.query_params.get(side, "") for side in ("first", "second")]
        path = "/".join(_revision(name, each, settings).revision[:8] for each in pair)
        return leading_to(request, f"/data/{name}/changes/{path}")

    def part(request: Request) -> Response:
        name, first, second = _two(request, settings)
        wanted = {"name": name, "first": first.revision, "second": second.revision}
        shown: dict[str, Any] = {"first": first, "second": second, "sorts": SORTS, "most": SHOWN}
        try:
            shown["changes"] = child.called("revision_changes", wanted, settings)
        except WorkflowError as error:
            shown |= {"changes": None, "problem": error.problem, "remedy": error.remedy}
        return page(request, "changes_part.html", name=name, **shown)

    def thumbnail(request: Request) -> Response:
        name, first, second = _two(request, settings)
        found = store.memo.find(changes_key(name, first.revision, second.revision), changes_code())
        sort, number = request.path_params["sort"], request.path_params["number"]
        listed = found.facts["samples"].get(sort, []) if found else []
        if not found or number >= len(listed):
            raise NotFound("There is no such change.", "Load the page again.")
        file = CachedFile(*listed[number]["place"])
        return sent(views.view("thumbnail", found.facts["modality"], file))

    async def export(request: Request) -> Response:
        name, revision = await run_in_threadpool(_addressed, request, settings)
        layout = request.query_params.get("as", "")
        WRITERS.check(layout)

        def zipped() -> BinaryIO:
            with exporting:
                return _zip(name, revision, layout, settings)

        archive = await run_in_threadpool(zipped)
        return zip_download(archive, f"{name}-{revision.revision[:8]}-{layout}.zip")

    start = "/data/{name}/changes/{first}/{second}"
    return [
        Route(start, changes),
        Route(f"{start}/part", part),
        Route(start + "/thumbnail/{sort}/{number:int}", thumbnail),
        Route("/data/{name}/changes", chosen),
        Route("/data/{name}/revisions/{revision}/export", export),
    ]


def _zip(name: str, revision: Revision, layout: str, settings: Settings) -> BinaryIO:
    """The open zip of a revision, which is on the disk only as long as it is open."""
    folder = settings.cache / "studio"
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix="export-", dir=folder) as temporary:
        path = Path(temporary) / f"{name}.zip"
        wanted = {"name": name, "revision": revision.revision, "layout": layout}
        child.called("exported", {**wanted, "path": str(path)}, settings)
        return path.open("rb")


def _two(request: Request, settings: Settings) -> tuple[str, Revision, Revision]:
    """The data set and the two revisions in the address. Raises NotFound."""
    name, _ = data_of(request, settings)
    first, second = (_revision(name, request.path_params[side], settings)
                     for side in ("first", "second"))  # fmt: skip
    return name, first, second


def _addressed(request: Request, settings: Settings) -> tuple[str, Revision]:
    name, _ = data_of(request, settings)
    return name, _revision(name, request.path_params["revision"], settings)


def _revision(name: str, digest: str, settings: Settings) -> Revision:
    """The revision of `name` whose digest begins so. Raises NotFound."""
    try:
        return source.find(DataConfig(name=name, revision=digest), settings)
    except (ConfigError, ValueError) as error:
        problem = (
            error.problem if isinstance(error, WorkflowError) else "There is no such revision."
        )
        raise NotFound(problem, "The page of the data lists them.") from error
