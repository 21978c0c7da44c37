"""Limits that protect a service from requests that are too large, too slow or too many."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from .errors import InfrastructureError, WorkflowError

LEASE = 0.5  # seconds for which a request keeps its slot while its body is still being sent


@dataclass(frozen=True)
class Limits:
    """The limits of a service. The defaults are generous for what people send and small compared
    with what a machine has."""

    seconds: float = 10.0  # of work on one sample
    request_seconds: float = 30.0  # of work on one request, whatever it holds
    memory: int = 1_500_000_000  # bytes of a worker beyond those of the loaded package; on Linux
    most_bytes: int = 20_000_000  # of one request
    most_files: int = 32  # in one request
    waiting: int = 32  # requests that may wait, for each worker
    patience: float = 1.0  # seconds that a request waits for a slot before it is refused
    buffered_bytes: int = 200_000_000  # of all request bodies in memory, complete or not
    header_seconds: float = 10.0  # from a connection's beginning to the end of a request's headers
    quiet_seconds: float = 10.0  # between two parts of a body
    body_seconds: float = 60.0  # from the headers to the body's end
    drain_seconds: float = 5.0  # for the rest of a body after a refusal, which is not read
    write_seconds: float = 30.0  # until a client has taken its answer
    most_connections: int = 512
    spare_connections: int = 64  # beyond these, for /health and /metrics
    again: int = 0  # how often a sample is given to another worker, if its own was killed


class Busy(InfrastructureError):
    """The service is overloaded; a retry will help."""


class TooLarge(WorkflowError):
    """The body has more bytes than a request may have."""


class TooSlow(WorkflowError):
    """The body did not come in time."""


class Disconnected(Exception):
    """The client is gone."""


class RequestSlots:
    """A semaphore of `count` requests at once. Further ones wait in line for `patience` seconds."""

    def __init__(self, count: int, patience: float) -> None:
        self._free = asyncio.Semaphore(count)
        self._patience = patience

    async def take(self) -> "RequestSlot":
        """A slot, which has to be given back. Raises Busy if none becomes free in time."""
        try:
            if self._free.locked():
                async with asyncio.timeout(self._patience):
                    await self._free.acquire()
            else:
                await self._free.acquire()
        except TimeoutError:
            raise Busy(
                "More is asked than this service can answer.", "Try again in a second."
            ) from None
        return RequestSlot(self._free)


class RequestSlot:
    """The slot of one request."""

    def __init__(self, free: asyncio.Semaphore) -> None:
        self._free: asyncio.Semaphore | None = free

    @property
    def lost(self) -> bool:
        return self._free is None

    def give_back(self) -> None:
        """Free the slot. Further calls do nothing."""
        if self._free is not None:
            self._free.release()
            self._free = None


class RequestBodies:
    """Reads request bodies and limits the memory that all of them take together. When the limit is
    reached, the incomplete body that began first is dropped, because slow clients would otherwise
    keep everyone else out."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._buffered = 0
        self._coming: dict[RequestBody, None] = {}  # those that are not whole yet, the oldest first

    @property
    def buffered(self) -> int:
        """The bytes of all bodies in memory."""
        return self._buffered

    @asynccontextmanager
    async def read(self, request: Any) -> AsyncIterator[bytes]:
        """The body of `request`; its bytes count as buffered until the block ends.

        Raises TooLarge (before reading, if the headers announce it), TooSlow, Busy if the memory
        for bodies is used up, Disconnected if the client disconnects."""
        announced = request.headers.get("content-length", "")
        if announced.isdigit() and int(announced) > self._limits.most_bytes:
            raise self._too_large()
        body = RequestBody()
        self._coming[body] = None
        try:
            await self._fill(body, request)
            self._coming.pop(body, None)
            yield body.whole()
        finally:
            self._coming.pop(body, None)
            self._buffered -= body.size
            body.size = 0

    async def _fill(self, body: "RequestBody", request: Any) -> None:
        loop = asyncio.get_running_loop()
        last = loop.time() + self._limits.body_seconds
        try:
            async with asyncio.timeout_at(last) as body.time:
                unfinished = True
                while unfinished:
                    body.time.reschedule(min(last, loop.time() + self._limits.quiet_seconds))
                    message = await request.receive()
                    if message["type"] == "http.disconnect":
                        raise Disconnected
                    if body.evicted:
                        raise TimeoutError
                    unfinished = message.get("more_body", False)
                    self._add(body, message.get("body", b""))
        except TimeoutError:
            if body.evicted:
                raise _no_memory() from None
            raise TooSlow(
                f"Only {body.size} bytes of the body came in time.",
                "Send it faster, or a smaller one.",
            ) from None

    def _add(self, body: "RequestBody", data: bytes) -> None:
        body.parts.append(data)
        body.size += len(data)
        self._buffered += len(data)
        if body.size > self._limits.most_bytes:
            raise self._too_large()
        while self._buffered > self._limits.buffered_bytes:
            oldest = next((other for other in self._coming if not other.evicted), body)
            if oldest is body:
                raise _no_memory()
            self._buffered -= oldest.size
            oldest.evict()

    def _too_large(self) -> TooLarge:
        return TooLarge(
            f"The request has more than {self._limits.most_bytes} bytes.",
            "Send smaller or fewer files.",
        )


class RequestBody:
    """The parts of one request body that have arrived."""

    def __init__(self) -> None:
        self.parts: list[bytes] = []
        self.size = 0
        self.evicted = False
        self.time: asyncio.Timeout | None = None

    def whole(self) -> bytes:
        """The complete body; frees the parts."""
        data = self.parts[0] if len(self.parts) == 1 else b"".join(self.parts)
        self.parts.clear()
        return data

    def evict(self) -> None:
        """Free the parts and wake the reader, which then raises Busy."""
        self.evicted, self.size = True, 0
        self.parts.clear()
        if self.time is not None:
            self.time.reschedule(asyncio.get_running_loop().time())


def _no_memory() -> Busy:
    return Busy(
        "More is sent at once than this service can hold.", "Try again in a second, and faster."
    )
