"""Trying a package: a picture or a sound is answered by the package's own worker process, which
starts with the first question and ends when another package is tried or nobody asks any more."""

import asyncio
import json
import re
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from stages.artifacts import Package, Ref
from stages.opening import open_store
from stages.publish.answered_boxes import boxes_in
from stages.publish.collected import CollectedInputs
from stages.publish.use_policy import policy_of
from stages.runner.chain import newest_chains
from stages.runner.publish import unpack_package
from stages.runtime.answers import has_boxes
from stages.runtime.description import description_of
from stages.runtime.errors import ConfigError
from stages.runtime.limits import Disconnected, Limits, RequestBodies
from stages.runtime.sealed import SEAL
from stages.runtime.service_pool import Pool
from stages.runtime.service_predict import CLIENT_CLOSED_REQUEST
from stages.runtime.service_process import WorkerSetup
from stages.runtime.service_worker import PredictRequest
from stages.runtime.verified import FILE as INSTRUCTION_SETS
from stages.settings import Settings
from stages.store import Store
from stages.studio.home import packages_of
from stages.studio.overlays import OverlayDrawer, model_of, why_no_overlay
from stages.studio.rendering import NotFound, page
from stages.studio.run_list import runs_of

IDLE_SECONDS = 300.0  # after which the worker ends
LIMITS = Limits(waiting=4, buffered_bytes=60_000_000)


class PackageWorker:
    """The worker process of the package that was asked last. There is one at most."""

    def __init__(self, limits: Limits = LIMITS, idle: float = IDLE_SECONDS) -> None:
        self._limits, self._idle = limits, idle
        self._lock = threading.Lock()
        self._package = ""
        self._pool: Pool | None = None
        self._timer: threading.Timer | None = None

    def pool(self, package: str, unpacked: Callable[[], Path]) -> Pool:
        """The pool with the worker of `package`, an id, which has loaded it; the one of another
        package ends. `unpacked`: gives the folder of the package, checked.

        Raises the worker's error if it cannot load the package."""
        with self._lock:
            if self._pool is None or self._package != package:
                self._end()
                folder = unpacked()
                setup = WorkerSetup(folder, description_of(folder)["noun"])
                pool = Pool(setup, 1, self._limits, lambda why: None)
                pool.start()
                self._package, self._pool = package, pool
            self._restart_timer()
            return self._pool

    def close(self) -> None:
        """End the worker process."""
        with self._lock:
            self._end()

    def _end(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._pool is not None:
            self._pool.close()
        self._pool, self._package, self._timer = None, "", None

    def _restart_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = threading.Timer(self._idle, self.close)
        self._timer.daemon = True
        self._timer.start()


def routes(settings: Settings) -> list[Route]:
    """The page that lists packages, the page of a package, its answers, and what its model looked
    at."""
    bodies, store = RequestBodies(LIMITS), open_store(settings)

    def listed(request: Request) -> Response:
        packages, chains = packages_of(runs_of(settings)), newest_chains(store)
        return page(request, "packages.html", packages=packages, chains=chains)

    def package_page(request: Request) -> Response:
        from stages.deploy.remote.reports import reports_of

        package = stored_package(request, settings)
        description = description_of(_unpacked(package, settings))
        return page(
            request,
            "try.html",
            package=package,
            noun=description["noun"],
            types=",".join(f"{kind}*" for kind in description["types"]),
            labels=description["labels"],
            answers=description["answers"],
            wrong=policy_of(package.name, settings).reports,
            no_overlay=why_no_overlay(_model_ref(description), store),
            statements=_statements(package, store),
            reports=reports_of(package.files.get(SEAL, ""), store),
        )

    async def answer(request: Request) -> Response:
        package = await run_in_threadpool(stored_package, request, settings)
        worker: PackageWorker = request.app.state.package_worker
        unpacked = partial(_unpacked, package, settings)
        pool = await run_in_threadpool(worker.pool, package.ref.id, unpacked)
        try:
            async with bodies.read(request) as data:
                if not data:
                    raise ConfigError("The file is empty.", "Choose another one.")
                began = time.perf_counter()
                found = await asyncio.wrap_future(pool.submit(PredictRequest(), data))
        except Disconnected:
            return Response(status_code=CLIENT_CLOSED_REQUEST)
        milliseconds = f"{1000 * (time.perf_counter() - began):.1f}"
        headers = {"server-timing": f"answer;dur={milliseconds}"}
        return Response(found.content, found.status, headers, found.media_type)

    async def wrong(request: Request) -> Response:
        package = await run_in_threadpool(stored_package, request, settings)
        description = description_of(await run_in_threadpool(_unpacked, package, settings))
        label = request.query_params.get("label", "")
        answered = request.query_params.get("answer", "")[:200]
        drawn = has_boxes(description)  # in the review
        if label not in description["labels"] and not (drawn and not label):
            raise ConfigError(f"No label is called '{label[:80]}'.", "Choose one of the list.")
        boxes = boxes_in(request.query_params.get("boxes", ""), description["labels"])
        person = request.client.host if request.client else ""
        inputs = CollectedInputs(package.name, settings)
        try:
            async with bodies.read(request) as data:
                facts = (data, label, package.ref.id, answered, person, boxes)
                await run_in_threadpool(inputs.report, *facts)
        except Disconnected:
            return Response(status_code=CLIENT_CLOSED_REQUEST)
        return JSONResponse({"kept": True})

    async def overlay(request: Request) -> Response:
        package = await run_in_threadpool(stored_package, request, settings)
        folder = await run_in_threadpool(_unpacked, package, settings)
        model = model_of(_model_ref(description_of(folder)), store)
        label = request.query_params.get("label", "")
        drawer: OverlayDrawer = request.app.state.overlays
        try:
            async with bodies.read(request) as data:
                drawn = await run_in_threadpool(drawer.of_picture, model.ref.id, data, label)
        except Disconnected:
            return Response(status_code=CLIENT_CLOSED_REQUEST)
        return drawn.answer

    return [
        Route("/try", listed),
        Route("/try/{package}", package_page),
        Route("/try/{package}/answer", answer, methods=["POST"]),
        Route("/try/{package}/wrong", wrong, methods=["POST"]),
        Route("/try/{package}/overlay", overlay, methods=["POST"]),
    ]


@asynccontextmanager
async def worker_life(app: Starlette) -> AsyncIterator[None]:
    """Have a PackageWorker as long as the application lives; end the process that draws overlays
    with it."""
    app.state.package_worker = PackageWorker()
    try:
        yield
    finally:
        await run_in_threadpool(app.state.package_worker.close)
        await run_in_threadpool(app.state.overlays.close)


def stored_package(request: Request, settings: Settings) -> Package:
    """The package in the address. Raises NotFound."""
    id, store = request.path_params["package"], open_store(settings)
    if not re.fullmatch("[0-9a-f]{64}", id) or not store.holds(Ref("package", id)):
        raise NotFound("There is no such package any more.", "The first page lists what there is.")
    package: Package = store.load(Ref("package", id))
    return package


def _model_ref(description: dict[str, Any]) -> Ref | None:
    """The model that a package was made of; None if it does not say."""
    id = str(description.get("made_of", {}).get("model", ""))
    return Ref("model", id) if id else None


def _statements(package: Package, store: Store) -> dict[str, dict[str, Any]]:
    """How the package was verified for each instruction set; empty for one that does not say."""
    digest = package.files.get(INSTRUCTION_SETS)
    return dict(json.loads(store.get(digest))["instruction_sets"]) if digest else {}


def _unpacked(package: Package, settings: Settings) -> Path:
    """The folder of the package, every file of which was checked."""
    return unpack_package(package, open_store(settings), settings)
