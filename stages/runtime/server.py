"""The HTTP service of a package. FastAPI is imported only when a service is created."""

import os
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from . import answers as kinds
from .description import description_of
from .errors import BackendMissing, InfrastructureError
from .limits import Limits
from .problems import add_problems
from .service_docs import add_docs
from .service_edge import ConnectionTable, Edge
from .service_metrics import Counted, Metrics
from .service_pool import Pool
from .service_predict import add_predict
from .service_process import WorkerSetup

GRACE = 5  # seconds for requests that are being answered when the service is stopped


def serve(
    folder: Path,
    host: str = "127.0.0.1",
    port: int = 8000,
    threads: int = 0,
    limits: Limits | None = None,
    *,
    untested: bool = False,
) -> None:
    """Serve the package in `folder` over HTTP until stopped.

    `threads`: the number of worker processes, each of which answers one sample at a time (0: one
    for each core). `untested`: also on a processor for which the package was not verified. Raises
    InfrastructureError if the port is taken."""
    listening = listening_at(host, port)
    where = f"http://{host}:{listening.getsockname()[1]}"
    app = create_app(folder, threads, limits, untested=untested)
    try:
        app.state.pool.start()
        print(f"Answering at {where}/predict, page at {where}/docs", file=sys.stderr)  # noqa: T201
        answer_on(listening, app, app.state.connections)
    finally:
        app.state.pool.close()


def answer_on(listening: socket.socket, app: Any, connections: ConnectionTable) -> None:
    """Answer with the ASGI application `app` on a socket that listens, until SIGTERM or Ctrl-C."""
    try:
        import uvicorn
        from uvicorn.protocols.http.auto import AutoHTTPProtocol
    except ImportError as error:
        raise missing(error) from error
    config = uvicorn.Config(
        app,
        http=connections.protocol(AutoHTTPProtocol),
        ws="none",
        access_log=False,
        log_level="error",
        timeout_graceful_shutdown=GRACE,
    )
    uvicorn.Server(config).run(sockets=[listening])


def limited(seconds: int, megabytes: int) -> Limits:
    """The default limits with other limits on the time and the memory that one sample may take."""
    return Limits(
        seconds=seconds,
        request_seconds=max(seconds, Limits.request_seconds),
        memory=megabytes * 1_000_000,
    )


def listening_at(host: str, port: int) -> socket.socket:
    """A socket that listens. Raises InfrastructureError if the port is taken."""
    try:
        return socket.create_server((host, port), backlog=Limits.most_connections)
    except OSError as error:
        raise InfrastructureError(
            f"Cannot listen on {host}:{port}: {error.strerror}.", "Choose another with --port."
        ) from error


def create_app(
    folder: Path, threads: int = 0, limits: Limits | None = None, *, untested: bool = False
) -> Any:
    """The ASGI application around the package in `folder`; its worker processes start with the
    first request. Raises Damaged if the package is not what was packed."""
    limits = limits or Limits()
    description, metrics = description_of(folder), Metrics()
    package = WorkerSetup(folder, description["noun"], untested)
    pool = Pool(package, threads or cores(), limits, lambda why: metrics.ended.labels(why).inc())
    app = package_app(description, pool, limits, metrics)
    app.state.connections = ConnectionTable(limits, metrics)
    app.add_middleware(Counted, metrics=metrics)
    app.add_middleware(Edge, table=app.state.connections)
    return app


def package_app(description: dict[str, Any], pool: Pool, limits: Limits, metrics: Metrics) -> Any:
    """The pages of the package of `description`, answered by `pool`, which is closed with the
    application. Connections are nobody's business in here: `create_app` puts an Edge around it."""
    try:
        from fastapi import FastAPI
    except ImportError as error:
        raise missing(error) from error

    @asynccontextmanager
    async def life(app: Any) -> AsyncIterator[None]:
        yield
        pool.close()

    name = description["name"]
    app = FastAPI(title=name, version="1", lifespan=life, docs_url=None, redoc_url=None)
    app.state.pool = pool
    add_problems(app)
    _add_questions(app, description, pool, metrics)
    add_predict(app, description, kinds.of(description), pool, limits, metrics)
    add_docs(app)
    return app


def cores() -> int:
    """The number of processor cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _add_questions(app: Any, description: dict[str, Any], pool: Pool, metrics: Metrics) -> None:
    from fastapi import Response
    from fastapi.responses import JSONResponse

    @app.get("/health", summary="Is it alive?")  # type: ignore[untyped-decorator]
    async def health() -> Any:
        # A sample that crashes a worker does not make the service unhealthy. A package that no
        # worker can load does: a restart or a person may help.
        problem = pool.failing()
        if problem:
            return JSONResponse({"status": "failing", "problem": problem}, 503)
        return JSONResponse({"status": "ok"})

    @app.get("/metadata", summary="Labels, steps, number format, origin")  # type: ignore[untyped-decorator]
    async def metadata() -> dict[str, Any]:
        return description

    @app.get("/metrics", summary="For Prometheus")  # type: ignore[untyped-decorator]
    async def numbers() -> Response:
        return Response(metrics.text(), media_type="text/plain; version=0.0.4")

    app.add_api_route("/health", health, methods=["HEAD"], include_in_schema=False)


def missing(error: ImportError) -> BackendMissing:
    return BackendMissing(
        f"The service needs {error.name}, which is not installed here.",
        "Run: pip install fastapi 'uvicorn[standard]' python-multipart prometheus-client",
    )
