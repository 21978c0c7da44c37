"""The service of all that is published: `/<pipeline>/predict` is answered by the package that is
live. It is the service that packages carry, once for each of them, behind one edge.

Every answer says in its headers which package gave it. A package that becomes live is prepared
beside the one that answers; then new requests go to it, and the one before ends when it has given
its last answer."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, NamedTuple

from starlette.requests import Request

from stages.local.guard import Guard, allowed
from stages.publish.answered_boxes import boxes_in
from stages.publish.collected import CollectedInputs, NotCollected
from stages.publish.collecting import AnsweredInput, Collector
from stages.publish.delivering import Deliverer
from stages.publish.following import Follower
from stages.publish.registry import ModelVersion
from stages.publish.serving_package import ServingPackage, prepared
from stages.runtime.errors import ConfigError, WorkflowError
from stages.runtime.limits import Disconnected, Limits, RequestBodies
from stages.runtime.service_edge import ConnectionTable, Edge
from stages.runtime.service_metrics import Metrics
from stages.settings import Settings

LIMITS = Limits(again=4)  # a worker that somebody ends costs no answer
WAITING = "No package of '{}' is live yet."

Scope = dict[str, Any]
Answering = Callable[[Scope, Any, Any], Awaitable[None]]


class LiveCounters(NamedTuple):
    """What /metrics says beside what every service counts."""

    requests: Any  # pipeline, package, status
    swaps: Any  # pipeline, outcome: taken or refused
    live: Any  # pipeline, package: 1 for the one that answers
    inputs: Any  # pipeline, outcome: what became of inputs that might be kept


class LiveService:
    """The ASGI application. `start` and `stop` are called in its event loop."""

    def __init__(
        self, settings: Settings, pipelines: tuple[str, ...] = (), limits: Limits = LIMITS
    ) -> None:
        self.metrics = Metrics()
        self.counters = _counters(self.metrics)
        self.serving: dict[str, ServingPackage] = {}
        self.collector = Collector(settings, self.counters.inputs)
        self.deliverer = Deliverer(settings, pipelines)
        self._settings, self._bodies = settings, RequestBodies(limits)
        self._loop: asyncio.AbstractEventLoop | None = None
        self.follower = Follower(
            settings,
            partial(prepared, settings=settings, limits=limits, metrics=self.metrics),
            self._take,
            lambda pipeline, outcome: self.counters.swaps.labels(pipeline, outcome).inc(),
            pipelines,
        )

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "http":
            await self._answer(scope, receive, send)

    async def start(self) -> None:
        """Begin to follow what is live."""
        self._loop = asyncio.get_running_loop()
        self.collector.start()
        await asyncio.to_thread(self.follower.start)
        self.deliverer.start()

    async def stop(self) -> None:
        """End all worker processes."""
        self.deliverer.stop()
        await asyncio.to_thread(self.follower.stop)
        await asyncio.to_thread(self.collector.stop)
        for package in self.serving.values():
            await asyncio.to_thread(package.close)

    async def _live(self, receive: Any, send: Any) -> None:
        await receive()
        await self.start()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self.stop()
        await send({"type": "lifespan.shutdown.complete"})

    def _take(self, package: ServingPackage) -> None:
        """Let `package` answer from now on, and wait until it does; for another thread."""
        assert self._loop is not None  # noqa: S101 - the follower starts with the loop
        asyncio.run_coroutine_threadsafe(self._swap(package), self._loop).result()

    async def _swap(self, package: ServingPackage) -> None:
        before = self.serving.get(package.pipeline)
        self.serving[package.pipeline] = package
        self.counters.live.labels(package.pipeline, package.version.package).set(1)
        if before is not None:
            if before.version != package.version:
                self.counters.live.remove(before.pipeline, before.version.package)
            before.retire()

    async def _answer(self, scope: Scope, receive: Any, send: Any) -> None:
        own = {"/health": self._health, "/metrics": self._numbers, "/": self._list}
        if page := own.get(scope["path"]):
            await page(send)
            return
        pipeline = scope["path"].split("/")[1]
        package = self.serving.get(pipeline)
        if package is None:
            self.metrics.refused.labels("not live").inc()
            await _send_problem(
                send, 404, WAITING.format(pipeline[:80]), "GET / lists what is live."
            )
            return
        package.enter()
        try:
            await self._answer_with(package, scope, receive, send)
        finally:
            package.leave()

    async def _answer_with(
        self, package: ServingPackage, scope: Scope, receive: Any, send: Any
    ) -> None:
        path = scope["path"].removeprefix(f"/{package.pipeline}")
        if path == "/wrong" and scope["method"] == "POST":
            await self._report(package, Request(scope, receive), send)
            return
        inner = {**scope, "root_path": f"{scope.get('root_path', '')}/{package.pipeline}"}
        watched = self._watched(package, send)
        if path != "/predict" or not self.collector.wants(package.pipeline):
            await package.app(inner, receive, watched)
            return
        exchange = Exchange(receive, watched)
        await package.app(inner, exchange.receive, exchange.send)
        if exchange.is_answer:
            found = (b"".join(exchange.body), b"".join(exchange.answer))
            facts = (package.version.package, package.other)
            self.collector.offer(AnsweredInput(package.pipeline, *found, *facts))

    async def _report(self, package: ServingPackage, request: Request, send: Any) -> None:
        """Keep an input whose answer is wrong: the body; `label`: what is right. Of boxes none is
        needed, and `boxes` may say which were answered."""
        query = request.query_params
        label, answer = query.get("label", ""), query.get("answer", "")[:200]
        client = request.client.host if request.client else ""
        inputs = CollectedInputs(package.pipeline, self._settings)
        try:
            if label not in package.labels and not (package.has_boxes and not label):
                raise ConfigError(
                    f"No label is called '{label[:80]}'.", f"Labels: {', '.join(package.labels)}."
                )
            answered = boxes_in(query.get("boxes", ""), package.labels)
            async with self._bodies.read(request) as data:
                facts = (data, label, package.version.package, answer, client, answered)
                await asyncio.to_thread(inputs.report, *facts)
        except Disconnected:
            return
        except WorkflowError as error:
            why = error.why if isinstance(error, NotCollected) else "refused"
            self.counters.inputs.labels(package.pipeline, why).inc()
            status = {"reports": 429, "off": 403}.get(why, 422)
            await _send_problem(self._watched(package, send), status, error.problem, error.remedy)
            return
        self.counters.inputs.labels(package.pipeline, "reported").inc()
        await _send(self._watched(package, send), 200, b'{"kept":true}')

    def _watched(self, package: ServingPackage, send: Any) -> Any:
        """A `send` that says which package answers, and counts the answer."""

        async def sending(message: Any) -> None:
            if message["type"] == "http.response.start":
                headers = [*message.get("headers", []), *_headers(package.version)]
                message = {**message, "headers": headers}
                labels = (package.pipeline, package.version.package, str(message["status"]))
                self.counters.requests.labels(*labels).inc()
            await send(message)

        return sending

    async def _health(self, send: Any) -> None:
        await _send(send, 200, b'{"status":"ok"}')

    async def _numbers(self, send: Any) -> None:
        await _send(send, 200, self.metrics.text(), b"text/plain; version=0.0.4")

    async def _list(self, send: Any) -> None:
        listed = [
            {
                "pipeline": name,
                "package": package.version.package,
                "version": package.version.number,
                "predict": f"/{name}/predict",
                "docs": f"/{name}/docs",
            }
            for name, package in sorted(self.serving.items())
        ]
        await _send(send, 200, json.dumps({"live": listed}).encode())


class Exchange:
    """One request and its answer, of which copies are kept while they pass. `is_answer`: whether
    the body is one sample that was answered as JSON."""

    def __init__(self, receive: Any, send: Any) -> None:
        self.body: list[bytes] = []
        self.answer: list[bytes] = []
        self.is_answer = False
        self._receive, self._send = receive, send

    async def receive(self) -> Any:
        message = await self._receive()
        if body := message.get("body"):
            self.body.append(body)
        return message

    async def send(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            kind = dict(message.get("headers", [])).get(b"content-type", b"")
            self.is_answer = message["status"] == 200 and kind.startswith(b"application/json")
        elif self.is_answer:
            self.answer.append(message.get("body", b""))
        await self._send(message)


def guarded(service: LiveService, settings: Settings, hosts: tuple[str, ...] = ()) -> Any:
    """`service` behind the limits on connections, for this machine's names and `hosts`; with the
    table of its connections."""
    table = ConnectionTable(LIMITS, service.metrics)
    return Guard(Edge(service, table), (*allowed(settings.hosts), *hosts)), table


def _counters(metrics: Metrics) -> LiveCounters:
    import prometheus_client as prometheus

    counter = partial(prometheus.Counter, registry=metrics.registry)
    return LiveCounters(
        counter("live_requests", "Answers of each package", ["pipeline", "package", "status"]),
        counter("live_swaps", "Packages that became live", ["pipeline", "outcome"]),
        prometheus.Gauge(
            "live_package", "1 for what answers", ["pipeline", "package"], registry=metrics.registry
        ),
        counter("live_inputs", "Inputs that might be kept", ["pipeline", "outcome"]),
    )


def _headers(version: ModelVersion) -> list[tuple[bytes, bytes]]:
    return [
        (b"x-aiwf-package", version.package.encode()),
        (b"x-aiwf-version", str(version.number).encode()),
    ]


async def _send_problem(send: Any, status: int, problem: str, remedy: str) -> None:
    await _send(send, status, json.dumps({"problem": problem, "remedy": remedy}).encode())


async def _send(
    send: Any, status: int, content: bytes, media_type: bytes = b"application/json"
) -> None:
    headers = [(b"content-type", media_type), (b"content-length", str(len(content)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": content})
