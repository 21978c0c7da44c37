"""Bringing data: an upload, what was understood of it, and the revision that is kept."""

import json
import logging
import re
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from stages.etl import source
from stages.parts import READERS
from stages.runtime.errors import ConfigError, DataError
from stages.runtime.files import write
from stages.settings import Settings
from stages.studio import child, uploads
from stages.studio.rendering import body_of, form_of, leading_to, page
from stages.studio.uploads import CHUNK_BYTES, PREPARED, Upload, UploadFile

log = logging.getLogger("aiwf.studio")
UNDERSTOOD = "understood.json"  # in the upload's folder: the answers, and what was understood then
MOST_PATTERNS = 50


def routes(settings: Settings) -> list[Route]:
    """The page to drop data on, the upload, what was understood, and keeping it."""

    def bring(request: Request) -> Response:
        waiting = uploads.unfinished(settings)
        name = request.query_params.get("name", "")
        return page(request, "bring.html", waiting=waiting, name=name)

    async def begin(request: Request) -> Response:
        files = _listed(await _bounded(request, uploads.MOST_LIST_BYTES))
        upload = await run_in_threadpool(uploads.create, files, settings)
        return JSONResponse(uploads.facts(upload))

    def progress(request: Request) -> Response:
        return JSONResponse(uploads.facts(_upload(request)))

    async def chunk(request: Request) -> Response:
        upload, index = _upload(request), int(request.path_params["index"])
        offset = request.query_params.get("offset", "")
        if not offset.isdecimal():
            raise ConfigError("The chunk has no offset.", "Load the page again.")
        data = await _bounded(request, CHUNK_BYTES)
        try:
            received = await run_in_threadpool(uploads.append, upload, index, int(offset), data)
        except uploads.OffsetMismatch as mismatch:
            return JSONResponse({"received": mismatch.received}, 409)
        return JSONResponse({"received": received})

    async def understand(request: Request) -> Response:
        upload = _upload(request)
        form = await form_of(request) if request.method == "POST" else None
        return await run_in_threadpool(_understanding, request, upload, form, settings)

    async def frames(request: Request) -> Response:
        upload, form = _upload(request), await form_of(request)
        await run_in_threadpool(_take_frames, upload, form, settings)
        return leading_to(request, request.url.path.removesuffix("/frames"))

    async def unlabelled(request: Request) -> Response:
        upload = _upload(request)
        await run_in_threadpool(_take_without_labels, upload, settings)
        return leading_to(request, request.url.path.removesuffix("/unlabelled"))

    async def keep(request: Request) -> Response:
        upload, form = _upload(request), await form_of(request)
        name = form.get("name", "")
        source.check_name(name)
        record = _understood(upload)
        wanted = {"name": name, "path": str(upload.source), "note": form.get("note", "")[:500]}
        choices = record["choices"] if record else {}
        saved = await run_in_threadpool(
            child.called, "add_revision", {**wanted, "choices": choices}, settings
        )
        for notice in saved["notices"]:
            log.warning("%s: %s", name, notice)
        await run_in_threadpool(uploads.remove, upload)
        return leading_to(request, f"/data/{name}")

    async def discard(request: Request) -> Response:
        await run_in_threadpool(uploads.remove, _upload(request))
        return leading_to(request, "/bring")

    def _upload(request: Request) -> Upload:
        return uploads.find(request.path_params["id"], settings)

    return [
        Route("/bring", bring),
        Route("/bring/uploads", begin, methods=["POST"]),
        Route("/bring/uploads/{id}", progress),
        Route("/bring/uploads/{id}/{index:int}", chunk, methods=["POST"]),
        Route("/bring/{id}", understand, methods=["GET", "POST"]),
        Route("/bring/{id}/frames", frames, methods=["POST"]),
        Route("/bring/{id}/unlabelled", unlabelled, methods=["POST"]),
        Route("/bring/{id}/keep", keep, methods=["POST"]),
        Route("/bring/{id}/discard", discard, methods=["POST"]),
    ]


def _understanding(
    request: Request, upload: Upload, form: dict[str, str] | None, settings: Settings
) -> Response:
    """The page of what was understood. `form`: the person's answers; None: those from before."""
    uploads.check_complete(upload)
    if videos := upload.videos:
        return page(request, "videos.html", upload=upload, videos=videos)
    before = _understood(upload) if form is None else None
    record = before or _read(upload, _choices(form or {}), settings)
    return page(
        request,
        "understood.html",
        upload=upload,
        is_prepared=upload.source.name == PREPARED,
        **{"summary": (), "question": "", "answers": (), "problem": "", "remedy": "", **record},
        readers=list(READERS),
        name=_suggested(upload, request.query_params.get("name", "")),
    )


def _take_frames(upload: Upload, form: dict[str, str], settings: Settings) -> None:
    """Make pictures of the upload's videos; from then on they are what is understood and kept."""
    uploads.check_complete(upload)
    try:
        rate = float(form.get("leave_out") or form.get("rate", ""))
    except ValueError:
        raise ConfigError("The frames a second are no number.", "Write one, such as 1.") from None
    if upload.videos:
        target = str(upload.folder / PREPARED)
        request = {"path": str(upload.source), "target": target, "rate": rate, "choices": {}}
        child.called("framed", request, settings)


def _take_without_labels(upload: Upload, settings: Settings) -> None:
    """Forget what labels the upload's samples seem to have: they are to be labelled here."""
    uploads.check_complete(upload)
    target = upload.folder / PREPARED
    if not target.exists():
        child.called(
            "without_labels", {"path": str(upload.source), "target": str(target)}, settings
        )
        (upload.folder / UNDERSTOOD).unlink(missing_ok=True)


def _read(upload: Upload, choices: dict[str, Any], settings: Settings) -> dict[str, Any]:
    """What is understood of the upload with the answers `choices`, also noted in its folder; or
    the problem with it."""
    request = {"path": str(upload.source), "choices": choices}
    try:
        record = {**child.called("understood", request, settings), "choices": choices}
    except (DataError, ConfigError) as error:
        return {"problem": error.problem, "remedy": error.remedy, "choices": choices}
    write(upload.folder / UNDERSTOOD, json.dumps(record, ensure_ascii=False))
    return record


def _understood(upload: Upload) -> dict[str, Any] | None:
    try:
        found = json.loads((upload.folder / UNDERSTOOD).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def _choices(form: dict[str, str]) -> dict[str, Any]:
    """The answers in a form. A button answers a question as option=value."""
    option, _, value = form.get("answer", "").partition("=")
    patterns = [line.strip() for line in form.get("exclude", "").splitlines() if line.strip()]
    choices: dict[str, Any] = {
        "layout": form.get("layout", ""),
        "splits": form.get("splits", ""),
        "exclude": patterns[:MOST_PATTERNS],
    }
    return {**choices, option: value} if option in ("layout", "splits") else choices


def _suggested(upload: Upload, wanted: str) -> str:
    """A name for the data: `wanted`, or one made of the upload's title; '' if there is none."""
    if wanted:
        return wanted[:50]
    stem = upload.title.rpartition(".")[0] or upload.title
    return re.sub(r"[^a-z0-9]+", "_", stem.lower()).lstrip("0123456789_").rstrip("_")[:50]


def _listed(body: bytes) -> list[UploadFile]:
    """The files that a script announces as JSON. Raises ConfigError."""
    try:
        record = json.loads(body)
        return [UploadFile(str(file["name"]), int(file["size"])) for file in record["files"]]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise ConfigError("This is no list of files.", "Load the page again.") from None


async def _bounded(request: Request, most: int) -> bytes:
    """The body of a request. Raises DataError if it has more than `most` bytes."""
    body = await body_of(request, most)
    if body is None:
        raise DataError(f"A request may have {most:,} bytes.", "Load the page again.")
    return body
