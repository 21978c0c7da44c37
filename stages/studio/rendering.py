"""Renders the studio's pages, its errors among them."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import (
    HTMLResponse,
    JSONResponse,
    RedirectResponse,
    Response,
    StreamingResponse,
)

from stages.runtime.errors import InfrastructureError, WorkflowError
from stages.runtime.neutral import shown
from stages.studio.words import LANGUAGES, Translator, language_of

if TYPE_CHECKING:
    from jinja2 import Environment

CHUNK = 1_000_000  # bytes of a download that are in memory at once
TEMPLATES = Path(__file__).with_name("templates")


class NotFound(WorkflowError):
    """What an address names is not there."""


@cache
def _environment() -> "Environment":
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=lambda value: shown(value) if type(value) is str else value,
    )


def page(request: Request, template: str, status: int = 200, **values: Any) -> HTMLResponse:
    """The page of `template` with `values`. Templates also have `t` (the texts), `link` (an address
    of this studio), `form_token`, `language` and `languages`, and `here` (the page's address)."""
    language = language_of(request)
    root = request.scope.get("root_path", "")
    context = {
        "t": Translator(language),
        "language": language,
        "languages": LANGUAGES,
        "form_token": getattr(request.state, "form_token", ""),
        "here": request.url.path,
        "link": lambda path: f"{root}{path}",
        **values,
    }
    return HTMLResponse(_environment().get_template(template).render(context), status)


def leading_to(request: Request, path: str) -> RedirectResponse:
    """An answer that leads to the page at `path` of this studio."""
    return RedirectResponse(f"{request.scope.get('root_path', '')}{path}", status_code=303)


def zip_download(archive: BinaryIO, name: str) -> StreamingResponse:
    """An answer with the open zip `archive`, which it closes, to be saved as the file `name`."""
    size = archive.seek(0, 2)
    archive.seek(0)
    headers = {
        "content-disposition": f'attachment; filename="{name}"',
        "content-length": str(size),
    }
    return StreamingResponse(_chunks(archive), media_type="application/zip", headers=headers)


def _chunks(file: BinaryIO) -> Iterator[bytes]:
    with file:
        while data := file.read(CHUNK):
            yield data


async def error_answer(request: Request, error: Exception) -> Response:
    """A WorkflowError as a page, or as JSON for a script."""
    assert isinstance(error, WorkflowError)  # noqa: S101 - the handler is registered for it
    status = 404 if isinstance(error, NotFound) else 422
    status = 503 if isinstance(error, InfrastructureError) else status
    if "application/json" in request.headers.get("accept", ""):
        return JSONResponse({"problem": error.problem, "remedy": error.remedy}, status)
    values = {"problem": error.problem, "remedy": error.remedy}
    return await run_in_threadpool(page, request, "error.html", status, **values)


async def form_of(request: Request) -> dict[str, str]:
    """The fields of the form that was sent, without blanks around."""
    form = await request.form(max_files=0, max_fields=200)
    return {name: value.strip() for name, value in form.items() if isinstance(value, str)}


async def body_of(request: Request, most: int) -> bytes | None:
    """The body of a request; None if it has more than `most` bytes, of which no more are read."""
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > most:
            return None
        parts.append(part)
    return b"".join(parts)
