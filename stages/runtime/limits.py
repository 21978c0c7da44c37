"""What protects a service from too much at once: of one request, and of requests."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from .errors import InfrastructureError, WorkflowError

LEASE = 0.5  # seconds for which who sends a body keeps others from sending theirs


@dataclass(frozen=True)
class Limits:
    """What a service gives to each request and holds at once. All numbers are generous to what
    people send and small beside what a machine has."""

    seconds: float = 10.0  # of work on one sample
    request_seconds: float = 30.0  # of work on one request, whatever it holds
    memory: int = 1_500_000_000  # bytes of a worker beyond those of the loaded package; on Linux
    most_bytes: int = 20_000_000  # of one request
    most_files: int = 32  # in one request
    waiting: int = 32  # requests that may wait for each that is answered
    patience: float = 1.0  # seconds until who finds no place is sent away
    buffered_bytes: int = 200_000_000  # of all bodies that are here, whole or in part
    header_seconds: float = 10.0  # from a connection's beginning to the end of a request's headers
    quiet_seconds: float = 10.0  # without a byte of a body
    body_seconds: float = 60.0  # from the headers to the body's end
    drain_seconds: float = 5.0  # for what comes after a refusal, unread
    write_seconds: float = 30.0  # until a client has taken its answer
    most_connections: int = 512
    spare_connections: int = 64  # beyond these, for those who ask how the service is


class Busy(InfrastructureError):
    """More is asked than can be answered; a retry will help."""


class TooLarge(WorkflowError):
    """The body has more bytes than a request may have."""


class TooSlow(WorkflowError):
    """The body did not come in time."""


class Disconnected(Exception):
    """The client is gone."""


class RequestSlots:
    """So many requests may be inside at once; who finds no place waits a little, in line."""

    def __init__(self, count: int, patience: float) -> None:
        self._free = asyncio.Semaphore(count)
        self._patience = patience

    async def take(self) -> "RequestSlot":
        """A place, to be given back. Raises Busy if there is none for a while."""
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
    """One request's place."""

    def __init__(self, free: asyncio.Semaphore) -> None:
        self._free: asyncio.Semaphore | None = free

    @property
    def lost(self) -> bool:
        return self._free is None

    def give_back(self) -> None:
        """Let another have it; again, to no effect."""
        if self._free is not None:
            self._free.release()
            self._free = None


class RequestBodies:
    """Reads bodies, and holds no more of them at once than fit. Where all is taken, whoever has
    been sending for the longest is sent away: a client that sends slowly, and on purpose."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._buffered = 0
        self._coming: dict[RequestBody, None] = {}  # those that are not whole yet, the oldest first

    @property
    def buffered(self) -> int:
        """Bytes of all bodies that are here."""
        return self._buffered

    @asynccontextmanager
    async def read(self, request: Any) -> AsyncIterator[bytes]:
        """The body of `request`, held for the block.

        Raises TooLarge, before anything is read if the headers say so; TooSlow; Busy, if no memory
        is left; Left, if the client leaves."""
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
    """The parts of one body as they come."""

    def __init__(self) -> None:
        self.parts: list[bytes] = []
        self.size = 0
        self.evicted = False
        self.time: asyncio.Timeout | None = None

    def whole(self) -> bytes:
        """All of it; the parts are let go of."""
        data = self.parts[0] if len(self.parts) == 1 else b"".join(self.parts)
        self.parts.clear()
        return data

    def evict(self) -> None:
        """Let go of what has come, and let its reader find out."""
        self.evicted, self.size = True, 0
        self.parts.clear()
        if self.time is not None:
            self.time.reschedule(asyncio.get_running_loop().time())


def _no_memory() -> Busy:
    return Busy(
        "More is sent at once than this service can hold.", "Try again in a second, and faster."
    )
