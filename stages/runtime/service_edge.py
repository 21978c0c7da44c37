"""Limits on the connections of the service: their number, and how long each may be idle.

uvicorn reads and writes HTTP. This module watches every connection from outside, as an asyncio
protocol around uvicorn's own and as an ASGI middleware around the application."""

import asyncio
import time
from collections.abc import Callable
from enum import Enum
from typing import Any

from .limits import Limits
from .service_metrics import Metrics
from .service_worker import spelled

CONNECTION = "aiwf.connection"  # its key in an ASGI scope's state
SWEEP_SECONDS = 0.5
MOST_HEADER_BYTES = 65_536
END_OF_HEADERS = (b"\r\n\r\n", b"\n\n")
OPEN_PATHS = ("/health", "/metrics")  # answered even when too many connections are open
STOPPING = {"problem": "The service is being stopped.", "remedy": "Ask again in a minute."}
CROWDED = {"problem": "Too many connections are open.", "remedy": "Try again in a second."}


class ConnectionState(Enum):
    """The state of a connection; the values are labels of the metric of dropped connections."""

    SILENT = "header"  # no request yet, or not all of its headers
    BUSY = "answer"  # a request is being answered
    DRAINING = "drain"  # a request was answered before its body was read


class ConnectionTable:
    """All connections of one service; drops those that are idle too long or too many."""

    def __init__(self, limits: Limits, metrics: Metrics) -> None:
        self.limits = limits
        self.metrics = metrics
        self.connections: dict[Connection, None] = {}
        self.silent: dict[Connection, None] = {}  # those that are not BUSY, the longest first
        self._sweep: asyncio.TimerHandle | None = None

    def protocol(self, inner: type[asyncio.Protocol]) -> Callable[..., asyncio.Protocol]:
        """A factory for uvicorn that wraps its `inner` protocol of each connection."""

        def watched(app_state: dict[str, Any], **options: Any) -> asyncio.Protocol:
            connection = Connection(self)
            state = {**app_state, CONNECTION: connection}
            connection.inner = inner(app_state=state, **options)  # type: ignore[call-arg]
            return connection

        return watched

    @property
    def crowded(self) -> bool:
        """Whether so many connections are open that only OPEN_PATHS are answered."""
        return len(self.connections) > self.limits.most_connections

    def enter(self, connection: "Connection") -> None:
        """Register `connection`. If there are too many, the one that has been silent the longest is
        dropped."""
        self.connections[connection] = self.silent[connection] = None
        oldest = next(iter(self.silent))
        if self.crowded and oldest is not connection:
            self._drop(oldest, "silent")
        most = self.limits.most_connections + self.limits.spare_connections
        if len(self.connections) > most:
            self._drop(connection, "crowded")
        if self._sweep is None:
            self._sweep = asyncio.get_running_loop().call_later(SWEEP_SECONDS, self._swept)

    def leave(self, connection: "Connection") -> None:
        self.connections.pop(connection, None)
        self.silent.pop(connection, None)

    def _swept(self) -> None:
        self._sweep = None
        now = time.monotonic()
        for connection in list(self.connections):
            if connection.overdue(now):
                self._drop(connection, connection.state.value)
        if self.connections:
            self._sweep = asyncio.get_running_loop().call_later(SWEEP_SECONDS, self._swept)

    def _drop(self, connection: "Connection", why: str) -> None:
        self.metrics.dropped.labels(why).inc()
        self.leave(connection)
        connection.transport.abort()


class Connection(asyncio.Protocol):
    """One connection: passes everything on to uvicorn's protocol and tracks state and bytes."""

    inner: Any
    transport: Any

    def __init__(self, table: ConnectionTable) -> None:
        self.table = table
        self.state = ConnectionState.SILENT
        self.since = time.monotonic()
        self.answered_since: float | None = None
        self.on_leave: Callable[[], Any] | None = None  # while a request is being answered
        self._bytes = 0  # of headers that are not whole, or of a body that nobody reads
        self._last_bytes = b""
        self._whole = False  # headers, or empty lines, came to an end: if no request begins, it is
        # as silent as before

    def overdue(self, now: float) -> bool:
        """Whether the connection has been in its state for longer than the limits allow."""
        limits = self.table.limits
        match self.state:
            case ConnectionState.SILENT:
                return now - self.since > limits.header_seconds
            case ConnectionState.DRAINING:
                return now - self.since > limits.drain_seconds
            case ConnectionState.BUSY:
                since = self.answered_since
                return since is not None and now - since > limits.write_seconds

    def begin(self) -> None:
        """Called when a request has arrived with all its headers."""
        self._enter(ConnectionState.BUSY)
        self.answered_since = None

    def end(self, read: bool) -> None:
        """Called when the request was answered. `read`: its body was read, or it had none."""
        self.on_leave = None
        self._enter(ConnectionState.SILENT if read else ConnectionState.DRAINING)

    def _enter(self, state: ConnectionState) -> None:
        self.state, self.since = state, time.monotonic()
        self._bytes, self._last_bytes, self._whole = 0, b"", False
        if self in self.table.connections:
            self.table.silent.pop(self, None)
            if state is not ConnectionState.BUSY:
                self.table.silent[self] = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self.inner.connection_made(transport)
        self.table.enter(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self.table.leave(self)
        if self.on_leave is not None:
            self.on_leave()
        self.inner.connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self.transport.is_closing() or not self._takes(data):
            return
        try:
            self.inner.data_received(data)
        except Exception:  # a parser that fails on bytes made for that
            self.table.metrics.dropped.labels("parser").inc()
            self.transport.abort()

    def _takes(self, data: bytes) -> bool:
        """Whether `data` is within the limits; if not, the connection is closed."""
        if self.state is ConnectionState.BUSY or self._whole:
            return True
        self._bytes += len(data)
        if self.state is ConnectionState.DRAINING:
            most = self.table.limits.most_bytes
        else:
            joined = self._last_bytes + data
            if any(end in joined for end in END_OF_HEADERS):
                self._whole = True
                return True
            self._last_bytes, most = joined[-3:], MOST_HEADER_BYTES
        if self._bytes <= most:
            return True
        self.table.metrics.dropped.labels("bytes").inc()
        if self.state is ConnectionState.SILENT:
            self.transport.write(b"HTTP/1.1 431 \r\nconnection: close\r\ncontent-length: 0\r\n\r\n")
            self.transport.close()
        else:
            self.transport.abort()
        return False

    def eof_received(self) -> bool | None:
        return bool(self.inner.eof_received())

    def pause_writing(self) -> None:
        self.inner.pause_writing()

    def resume_writing(self) -> None:
        self.inner.resume_writing()


class Edge:
    """ASGI middleware: informs a connection about its requests, and refuses requests when too many
    connections are open or the service is being stopped."""

    def __init__(self, app: Any, table: ConnectionTable) -> None:
        self.app = app
        self.table = table

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        connection = scope.get("state", {}).get(CONNECTION)
        if scope["type"] != "http" or connection is None:
            await self.app(scope, receive, send)
            return
        request = _Request(scope, receive, send, connection)
        connection.begin()
        try:
            if self.table.crowded and scope["path"] not in OPEN_PATHS:
                self.table.metrics.refused.labels("crowded").inc()
                await request.refuse(CROWDED)
            else:
                await self.app(scope, request.receive, request.send)
        except asyncio.CancelledError:  # the service is being stopped
            if not request.answering:
                await request.refuse(STOPPING)
        finally:
            connection.end(request.read)


class _Request:
    """The receive and send channels of one request; tracks whether body and answer have begun."""

    def __init__(self, scope: Any, receive: Any, send: Any, connection: Connection) -> None:
        headers = dict(scope["headers"])
        self.read = b"transfer-encoding" not in headers and (
            headers.get(b"content-length", b"0") == b"0"
        )
        self.answering = False
        self._waits = b"expect" in headers  # its body comes when it is asked for
        self._receive, self._send, self._connection = receive, send, connection

    async def receive(self) -> Any:
        message = await self._receive()
        self._waits = False
        self.read = self.read or not message.get("more_body", False)
        return message

    async def send(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            self.answering = True
            self._connection.answered_since = time.monotonic()
            if self._waits and not self.read:  # nobody knows whether it will come
                headers = [*message.get("headers", []), (b"connection", b"close")]
                message = {**message, "headers": headers}
        await self._send(message)

    async def refuse(self, refusal: Any) -> None:
        """Answer 503 with the JSON object `refusal` and close the connection."""
        content = spelled(refusal)
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(content)).encode()),
            (b"retry-after", b"1"),
            (b"connection", b"close"),
        ]
        await self.send({"type": "http.response.start", "status": 503, "headers": headers})
        await self.send({"type": "http.response.body", "body": content})
