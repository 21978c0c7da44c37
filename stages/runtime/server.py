"""The package as an HTTP service. FastAPI is imported where the service is made."""

import os
import socket
import sys
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from .errors import BackendMissing, InfrastructureError
from .limits import BodyLimit, Places
from .predictor import Predictor
from .problems import add_problems
from .service_docs import add_docs
from .service_metrics import Counted, Metrics
from .service_predict import add_predict

MOST_BYTES = 20_000_000  # of one request
MOST_FILES = 32  # in one request
MOST_CONNECTIONS = 128
WAITING = 4  # requests that may wait for each that is answered


def serve(
    folder: Path,
    host: str = "127.0.0.1",
    port: int = 8000,
    threads: int = 0,
    *,
    untested: bool = False,
) -> None:
    """Answer over HTTP until stopped, `threads` samples at a time (0: one for each core);
    `untested`: whatever the processor."""
    try:
        import uvicorn
    except ImportError as error:
        raise missing(error) from error
    listening = _listening(host, port)
    where = f"http://{host}:{listening.getsockname()[1]}"
    app = create_app(Predictor.open(folder, untested=untested), threads)
    print(f"Answering at {where}/predict, page at {where}/docs", file=sys.stderr)  # noqa: T201
    config = uvicorn.Config(
        app,
        access_log=False,
        log_level="warning",
        limit_concurrency=MOST_CONNECTIONS,
        timeout_graceful_shutdown=5,
    )
    uvicorn.Server(config).run(sockets=[listening])


def _listening(host: str, port: int) -> socket.socket:
    try:
        return socket.create_server((host, port), backlog=MOST_CONNECTIONS)
    except OSError as error:
        raise InfrastructureError(
            f"Cannot listen on {host}:{port}: {error.strerror}.", "Choose another with --port."
        ) from error


def create_app(
    predictor: Predictor,
    threads: int = 0,
    most_bytes: int = MOST_BYTES,
    most_files: int = MOST_FILES,
) -> Any:
    """The ASGI application around `predictor`."""
    try:
        from fastapi import FastAPI
    except ImportError as error:
        raise missing(error) from error
    threads = threads or os.cpu_count() or 1
    places, metrics = Places(threads * (1 + WAITING)), Metrics()
    workers = ThreadPoolExecutor(threads, "predict")

    @asynccontextmanager
    async def life(app: Any) -> AsyncIterator[None]:
        yield
        workers.shutdown(cancel_futures=True)
        predictor.close()

    name = predictor.description["name"]
    app = FastAPI(title=name, version="1", lifespan=life, docs_url=None, redoc_url=None)
    app.add_middleware(BodyLimit, most=most_bytes)
    app.add_middleware(Counted, metrics=metrics)

    add_problems(app)
    _add_questions(app, predictor, metrics)
    add_predict(app, predictor, places, workers, most_files)
    add_docs(app)
    return app


def _add_questions(app: Any, predictor: Predictor, metrics: Metrics) -> None:
    from fastapi import Response

    @app.get("/health", summary="Is it alive?")  # type: ignore[untyped-decorator]
    def health() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/metadata", summary="Labels, steps, number format, origin")  # type: ignore[untyped-decorator]
    def metadata() -> dict[str, Any]:
        return predictor.description

    @app.get("/metrics", summary="For Prometheus")  # type: ignore[untyped-decorator]
    def told() -> Response:
        return Response(metrics.text(), media_type="text/plain; version=0.0.4")


def missing(error: ImportError) -> BackendMissing:
    return BackendMissing(
        f"The service needs {error.name}, which is not installed here.",
        "Run: pip install fastapi uvicorn python-multipart prometheus-client",
    )
