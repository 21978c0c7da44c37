"""Turns every error of the service into {"problem": ..., "remedy": ...} with an HTTP status."""

from typing import Any

from .errors import BadSample, WorkflowError
from .limits import Busy, TooLarge, TooSlow

RETRY_SECONDS = "1"


class WrongType(BadSample):
    """The body is of a type that the network does not take."""


class WrongQuestion(WorkflowError):
    """The request's options contradict each other or the package."""


STATUS: tuple[tuple[type[WorkflowError], int], ...] = (
    (Busy, 503),
    (TooLarge, 413),
    (TooSlow, 408),
    (WrongType, 415),
    (BadSample, 422),
    (WrongQuestion, 422),
    (WorkflowError, 500),
)


def add_problems(app: Any) -> None:
    """Add handlers to `app` that answer errors in this form, those of FastAPI included."""
    from fastapi.exceptions import RequestValidationError
    from fastapi.responses import JSONResponse
    from starlette.exceptions import HTTPException

    def ours(request: Any, error: Any) -> JSONResponse:
        status = next(number for kind, number in STATUS if isinstance(error, kind))
        headers = {503: {"Retry-After": RETRY_SECONDS}, 408: {"Connection": "close"}}.get(status)
        return JSONResponse({"problem": error.problem, "remedy": error.remedy}, status, headers)

    def framework(request: Any, error: Any) -> JSONResponse:
        body = {"problem": str(error.detail), "remedy": "The page /docs tells what can be asked."}
        return JSONResponse(body, error.status_code, error.headers)

    def invalid(request: Any, error: Any) -> JSONResponse:
        first = error.errors()[0]
        place = " ".join(str(part) for part in first["loc"])
        body = {"problem": f"{place}: {first['msg']}.", "remedy": "See the page /docs."}
        return JSONResponse(body, 422)

    app.add_exception_handler(WorkflowError, ours)
    app.add_exception_handler(HTTPException, framework)
    app.add_exception_handler(RequestValidationError, invalid)
