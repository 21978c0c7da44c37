"""What protects a service from too much at once: of one request's bytes, and of requests."""

from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from contextlib import contextmanager
from typing import Any

from .errors import InfrastructureError

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


class Busy(InfrastructureError):
    """More is asked than can be answered; a retry will help."""


class Places:
    """So many requests may be inside at once; for one event loop."""

    def __init__(self, count: int) -> None:
        self.free = count

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Take a place for the block. Raises Busy if there is none."""
        if self.free < 1:
            raise Busy("More is asked than this service can answer.", "Try again in a second.")
        self.free -= 1
        try:
            yield
        finally:
            self.free += 1


class BodyLimit:
    """ASGI middleware: a body of more than `most` bytes is answered with 413, unread."""

    def __init__(self, app: Any, most: int) -> None:
        self.app = app
        self.most = most

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        if _announced(scope) > self.most:
            await self._refuse(send)
            return
        state = {"read": 0, "answering": False}

        async def counted() -> Message:
            message = await receive()
            state["read"] += len(message.get("body", b""))
            if state["read"] > self.most:
                raise _TooLarge
            return message

        async def watched(message: Message) -> None:
            state["answering"] = True
            await send(message)

        try:
            await self.app(scope, counted, watched)
        except _TooLarge:
            if not state["answering"]:
                await self._refuse(send)

    async def _refuse(self, send: Send) -> None:
        said = f'{{"problem": "The request has more than {self.most} bytes.", '
        body = (said + '"remedy": "Send smaller or fewer files."}').encode()
        headers = [(b"content-type", b"application/json"), (b"connection", b"close")]
        await send({"type": "http.response.start", "status": 413, "headers": headers})
        await send({"type": "http.response.body", "body": body})


class _TooLarge(Exception):
    pass


def _announced(scope: Message) -> int:
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit():
            return int(value)
    return 0
