"""The package as an HTTP service. FastAPI is imported where the service is made."""

import asyncio
import os
import socket
import sys
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from .errors import BackendMissing, BadSample, InfrastructureError
from .limits import BodyLimit, Places
from .predictor import Predictor
from .problems import WrongType, add_problems
from .service_docs import PREDICT_BODY, add_docs
from .service_metrics import Counted, Metrics

MOST_BYTES = 20_000_000  # of one request
MOST_FILES = 32  # in one request
MOST_CONNECTIONS = 128
WAITING = 4  # requests that may wait for each that is answered


def serve(folder: Path, host: str = "127.0.0.1", port: int = 8000, threads: int = 0) -> None:
    """Answer over HTTP until stopped, `threads` pictures at a time (0: one for each core)."""
    try:
        import uvicorn
    except ImportError as error:
        raise missing(error) from error
    listening = _listening(host, port)
    where = f"http://{host}:{listening.getsockname()[1]}"
    app = create_app(Predictor.open(folder), threads)
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
    _add_predict(app, predictor, places, workers, most_files)
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


def _add_predict(
    app: Any, predictor: Predictor, places: Places, workers: ThreadPoolExecutor, most_files: int
) -> None:
    from fastapi import Query, Request

    def answer(data: bytes, top: int) -> dict[str, Any]:
        return predictor.predict(data, top)

    async def off_loop(work: Callable[[], Any]) -> Any:
        return await asyncio.get_running_loop().run_in_executor(workers, work)

    @app.post(  # type: ignore[untyped-decorator]
        "/predict",
        summary="Labels of one picture (the body) or of several (a form)",
        openapi_extra=PREDICT_BODY,
    )
    async def predict(request: Request, top: int = Query(5, ge=0, le=1000)) -> Any:
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind == "multipart/form-data":
            files = await _files(request, most_files)
            with places.taken():
                asked = [off_loop(_one(answer, file, top)) for file in files]
                return {"predictions": await asyncio.gather(*asked)}
        if kind and not kind.startswith("image/") and kind != "application/octet-stream":
            raise WrongType(
                f"The body is '{kind}'.",
                "Send a picture as image/jpeg (or another image type), "
                "or several as multipart/form-data.",
            )
        data = await request.body()
        with places.taken():
            return await off_loop(lambda: answer(data, top))


async def _files(request: Any, most: int) -> list[tuple[str, bytes]]:
    """Name and bytes of each file in a form. Raises BadSample if there are none."""
    from starlette.datastructures import UploadFile

    async with request.form(max_files=most, max_fields=most) as form:
        found = [one for _, one in form.multi_items() if isinstance(one, UploadFile)]
        if not found:
            raise BadSample("The form holds no file.", "Attach at least one picture as a file.")
        return [(one.filename or "", await one.read()) for one in found]


def _one(answer: Callable[[bytes, int], Any], file: tuple[str, bytes], top: int) -> Any:
    """One file's answer, or what is wrong with it: the others keep theirs."""

    def work() -> dict[str, Any]:
        name, data = file
        try:
            return {"file": name, **answer(data, top)}
        except BadSample as error:
            return {"file": name, "problem": error.problem, "remedy": error.remedy}

    return work


def missing(error: ImportError) -> BackendMissing:
    return BackendMissing(
        f"The service needs {error.name}, which is not installed here.",
        "Run: pip install fastapi uvicorn python-multipart prometheus-client",
    )
