"""Counts and times of requests, as Prometheus reads them."""

import time
from typing import Any

from .errors import BackendMissing

BUCKETS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5)


class Metrics:
    """The service's counters in a registry of their own, so that one process can run several
    services."""

    def __init__(self) -> None:
        try:
            import prometheus_client as prometheus
        except ImportError as error:
            raise BackendMissing(
                "prometheus-client is not installed here.", "Run: pip install prometheus-client"
            ) from error
        self.registry = prometheus.CollectorRegistry()
        self._write = prometheus.generate_latest
        names = ("path", "status")
        self.requests = prometheus.Counter(
            "requests", "Answered requests", names, registry=self.registry
        )
        self.seconds = prometheus.Histogram(
            "request_seconds", "Time to answer", ["path"], registry=self.registry, buckets=BUCKETS
        )
        self.refused = prometheus.Counter(
            "refused",
            "Requests sent away before they were answered",
            ["why"],
            registry=self.registry,
        )
        self.dropped = prometheus.Counter(
            "dropped_connections",
            "Connections ended by the service",
            ["why"],
            registry=self.registry,
        )
        self.ended = prometheus.Counter(
            "ended_workers",
            "Worker processes that ended and were replaced",
            ["why"],
            registry=self.registry,
        )
        self.buffered = prometheus.Gauge(
            "buffered_bytes", "Bytes of request bodies in memory", registry=self.registry
        )
        self.inside = prometheus.Gauge("requests_inside", "Being answered", registry=self.registry)

    def text(self) -> bytes:
        """All metrics in Prometheus' text format."""
        return bytes(self._write(self.registry))

    async def count(self, app: Any, scope: Any, receive: Any, send: Any) -> None:
        """Run `app` on a request and record its status and duration."""
        status, started = 500, time.perf_counter()

        async def watched(message: Any) -> None:
            nonlocal status
            status = message.get("status", status)
            await send(message)

        with self.inside.track_inprogress():
            try:
                await app(scope, receive, watched)
            finally:
                path = _path(scope)
                self.requests.labels(path, str(status)).inc()
                self.seconds.labels(path).observe(time.perf_counter() - started)


class Counted:
    """ASGI middleware that counts every request in `metrics`."""

    def __init__(self, app: Any, metrics: Metrics) -> None:
        self.app = app
        self.metrics = metrics

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            await self.metrics.count(self.app, scope, receive, send)
        else:
            await self.app(scope, receive, send)


def _path(scope: Any) -> str:
    """The path of the matched route; "other" for unknown paths, so that clients cannot create
    unlimited metrics."""
    return str(getattr(scope.get("route"), "path", "other"))
