"""POST /predict: one sample as the body, or several in a form; the answer as JSON or drawn."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from .answers import AnswerKind
from .errors import WorkflowError
from .limits import (
    LEASE,
    Busy,
    Disconnected,
    Limits,
    RequestBodies,
    RequestSlots,
    TooLarge,
    TooSlow,
)
from .problems import WrongQuestion, WrongType
from .service_docs import predict_docs
from .service_edge import CONNECTION
from .service_metrics import Metrics
from .service_pool import Pool
from .service_worker import PredictRequest

DRAWN = "image/jpeg"
UNSAID = ("", "application/octet-stream")  # bodies without a specific type are accepted
CLIENT_CLOSED_REQUEST = 499  # nginx's status for a client that disconnected; only for metrics
REASONS: dict[type[WorkflowError], str] = {Busy: "busy", TooLarge: "large", TooSlow: "slow"}


def add_predict(
    app: Any,
    description: dict[str, Any],
    kind: AnswerKind,
    pool: Pool,
    limits: Limits,
    metrics: Metrics,
) -> None:
    """Add /predict to `app`: requests within `limits` are answered by `pool`."""
    from fastapi import Query, Request, Response

    places = RequestSlots(len(pool) * (1 + limits.waiting), limits.patience)
    bodies = RequestBodies(limits)
    metrics.buffered.set_function(lambda: bodies.buffered)

    @app.post("/predict", **predict_docs(description, kind))  # type: ignore[untyped-decorator]
    async def predict(
        request: Request,
        top: int | None = Query(None, ge=0, le=1000),
        threshold: float | None = Query(None, ge=0, le=1),
        draw: bool = False,
    ) -> Any:
        options = _options(request, description, kind, limits, (top, threshold, draw))
        try:
            async with _body(request, places, bodies) as data:
                answer = pool.submit(options, data)
                if (connection := request.scope.get("state", {}).get(CONNECTION)) is not None:
                    connection.on_leave = answer.cancel  # if no worker has it yet
                try:
                    found = await asyncio.wrap_future(answer)
                except asyncio.CancelledError:
                    if not _is_disconnected(request):
                        raise
                    raise Disconnected from None
        except Disconnected:
            return Response(status_code=CLIENT_CLOSED_REQUEST)
        except (Busy, TooLarge, TooSlow) as error:
            metrics.refused.labels(REASONS[type(error)]).inc()
            raise
        return Response(found.content, found.status, media_type=found.media_type)


def _options(
    request: Any,
    description: dict[str, Any],
    kind: AnswerKind,
    limits: Limits,
    query: tuple[int | None, float | None, bool],
) -> PredictRequest:
    """The options of the request, from its headers and `query` (top, threshold, draw). Raises
    WrongType or WrongQuestion before the body is read."""
    top, threshold, draw = query
    written = request.headers.get("content-type", "")
    body_type = written.partition(";")[0].strip().lower()
    if body_type == "multipart/form-data":
        if draw:
            raise WrongQuestion("A form cannot be drawn.", "Send one file as the body.")
        return PredictRequest(top, threshold, form=written, most_files=limits.most_files)
    _check_type(body_type, description)
    draw = draw or _accepts_drawing(request, kind)
    if draw and not kind.draws:
        raise WrongQuestion("This package's answers cannot be drawn.", "Ask without draw.")
    return PredictRequest(top, threshold, draw)


def _check_type(body_type: str, description: dict[str, Any]) -> None:
    """Raise WrongType unless the content type `body_type` is one that the package accepts."""
    types = tuple(description["types"])
    if body_type in UNSAID or body_type.startswith(types):
        return
    wanted = " or ".join(f"{name}..." if name.endswith("/") else name for name in types)
    raise WrongType(
        f"The body is '{body_type}'.",
        f"Send a {description['noun']} as {wanted}, or several as multipart/form-data.",
    )


def _accepts_drawing(request: Any, kind: AnswerKind) -> bool:
    """Whether the client prefers the drawing: image/jpeg is the first type that it accepts.
    Browsers accept pictures as well, but not first."""
    accepted = request.headers.get("accept", "").partition(";")[0].strip().lower()
    return kind.draws and accepted == DRAWN


@asynccontextmanager
async def _body(request: Any, places: RequestSlots, bodies: RequestBodies) -> AsyncIterator[bytes]:
    """The body of `request`, which holds a slot while the block runs.

    The slot is taken before reading, so that a refused request costs little. A body that takes
    longer than LEASE to arrive gives its slot back and has to get another one when complete."""
    place = await places.take()
    lease = asyncio.get_running_loop().call_later(LEASE, place.give_back)
    try:
        async with bodies.read(request) as data:
            lease.cancel()
            if place.lost:
                place = await places.take()
            yield data
    finally:
        lease.cancel()
        place.give_back()


def _is_disconnected(request: Any) -> bool:
    connection = request.scope.get("state", {}).get(CONNECTION)
    return connection is not None and connection.transport.is_closing()
