"""Refuses requests that a web page elsewhere makes a browser send to a server on this machine.

Such a page can let its own name point to 127.0.0.1 (DNS rebinding) and then read what the server
answers; the Host header still has the page's name. A request that changes something needs no
answer to do harm; its Origin header has the page's address."""

from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any
from urllib.parse import urlsplit

LOCAL = ("127.0.0.1", "localhost", "[::1]")
Scope = MutableMapping[str, Any]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


class Guard:
    """ASGI middleware that refuses requests with a Host or Origin not in `hosts`, at any port."""

    def __init__(self, app: App, hosts: Iterable[str]) -> None:
        self._app = app
        self._hosts = {host.lower() for host in hosts}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in ("http", "websocket") and (reason := self._refused(scope)):
            if scope["type"] == "websocket":
                await send({"type": "websocket.close", "code": 1008, "reason": reason})
                return
            head = [(b"content-type", b"text/plain"), (b"connection", b"close")]
            await send({"type": "http.response.start", "status": 403, "headers": head})
            await send({"type": "http.response.body", "body": reason.encode()})
            return
        await self._app(scope, receive, send)

    def _refused(self, scope: Scope) -> str:
        """Why a request is refused; '' if it is not."""
        headers = [(name.lower(), value.decode("latin-1")) for name, value in scope["headers"]]
        hosts = [value for name, value in headers if name == b"host"]
        if len(hosts) != 1 or _name_of(f"//{hosts[0]}") not in self._hosts:
            return "This server does not answer under that name. AIWF_HOSTS names further ones."
        origins = [value for name, value in headers if name == b"origin"]
        if any(_name_of(origin) not in self._hosts for origin in origins):
            return "This server does not answer pages of another origin."
        return ""


def _name_of(address: str) -> str:
    """The host's name in an address, without user and port; '' where there is none."""
    try:
        found = urlsplit(address)
        port = found.port
    except ValueError:
        return ""
    name = found.netloc.lower()
    return name.removesuffix(f":{port}") if port is not None else name


def allowed(hosts: str) -> tuple[str, ...]:
    """The names under which a server here answers: this machine's own, and those that the setting
    `hosts` lists with commas."""
    return (*LOCAL, *(host.strip() for host in hosts.split(",") if host.strip()))
