"""Who may use the studio: whoever has its token, from its own pages.

The token is in the address that `aiwf studio` prints; the first request with it gets a cookie. A
request that changes something also needs the Origin of these pages and a second token that only
they contain, so that another page in the same browser cannot send it."""

import hashlib
import hmac
import secrets
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlencode, urlsplit

from stages.local.guard import LOCAL
from stages.privacy import keep_secret

FORM = b"application/x-www-form-urlencoded"
MOST_FORM_BYTES = 200_000
HEADER = b"x-aiwf-token"
READING = ("GET", "HEAD")
POLICY = (
    "default-src 'self'; img-src 'self' data: blob:; media-src 'self' data: blob:; "
    "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'self'"
)
HEADERS = {
    b"content-security-policy": POLICY.encode(),
    b"x-content-type-options": b"nosniff",
    b"referrer-policy": b"same-origin",  # no-referrer would make the Origin of forms 'null'
    b"cache-control": b"no-store",
    b"cross-origin-opener-policy": b"same-origin",
}

Message = MutableMapping[str, Any]
Send = Callable[[Message], Awaitable[None]]
Receive = Callable[[], Awaitable[Message]]
App = Callable[[Message, Receive, Send], Awaitable[None]]


class StudioAccess(NamedTuple):
    """What a request needs. `token`: the secret of the printed address; `hosts`: the names under
    which the studio answers; `encrypted`: whether it answers HTTPS only."""

    token: str
    hosts: tuple[str, ...] = LOCAL
    encrypted: bool = False

    @property
    def cookie(self) -> str:
        """The cookie's name. Cookies do not know ports: each studio has a name of its own."""
        return f"aiwf_{_derived(self.token, 'cookie')[:8]}"

    @property
    def form_token(self) -> str:
        """The token that pages contain; it does not give away the first one."""
        return _derived(self.token, "form")


def token_of(root: Path) -> str:
    """The token of the studio in the workspace `root`, which only its owner can read. It stays the
    same, so that an open page works again after the studio was restarted."""
    path = root / "studio" / "token"
    try:
        found = path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        found = ""
    if len(found) < 32:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.unlink(missing_ok=True)
        keep_secret(path, secrets.token_urlsafe(32))
        found = path.read_text(encoding="ascii")
    path.chmod(0o600)
    return found


class AccessMiddleware:
    """ASGI middleware that refuses requests without the token, and changes from elsewhere. It adds
    the security headers to every answer."""

    def __init__(self, app: App, access: StudioAccess) -> None:
        self._app, self._access = app, access

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            if scope["type"] == "lifespan":  # nothing here answers a WebSocket
                await self._app(scope, receive, send)
            return
        send = _with_headers(send)
        headers = dict(scope["headers"])  # of a repeated header the last one counts
        if (address := self._entering(scope)) is not None:
            await self._enter(address, send)
        elif not self._has_cookie(headers):
            await _refuse(send, 401, "Open the address that `aiwf studio` printed.")
        elif scope["method"] in READING:
            await self._pass(scope, receive, send)
        elif not _is_of_these_pages(headers):
            await _refuse(send, 403, "Only a page of this studio may send that.")
        elif self._is_equal(headers.get(HEADER, b""), self._access.form_token):
            await self._pass(scope, receive, send)
        else:
            await self._check_form(scope, headers, receive, send)

    async def _pass(self, scope: Message, receive: Receive, send: Send) -> None:
        scope.setdefault("state", {})["form_token"] = self._access.form_token
        await self._app(scope, receive, send)

    def _entering(self, scope: Message) -> str | None:
        """The address without the token, if the request has the right one in its address."""
        query = parse_qs(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        (token,) = query.pop("token", [""])[-1:]
        if scope["method"] != "GET" or not self._is_equal(token.encode(), self._access.token):
            return None
        path = "/" + scope.get("raw_path", b"/").decode("latin-1").lstrip("/")  # never //elsewhere
        rest = urlencode(query, doseq=True)
        return f"{path}?{rest}" if rest else path

    async def _enter(self, address: str, send: Send) -> None:
        """Set the cookie and lead to `address`, so that the token is in no history."""
        cookie = f"{self._access.cookie}={self._access.token}; Path=/; HttpOnly; SameSite=Strict"
        cookie += "; Secure" * self._access.encrypted
        headers = [(b"location", address.encode("latin-1")), (b"set-cookie", cookie.encode())]
        await send({"type": "http.response.start", "status": 303, "headers": headers})
        await send({"type": "http.response.body", "body": b""})

    def _has_cookie(self, headers: dict[bytes, bytes]) -> bool:
        """Whether a cookie of the request has the token."""
        pairs = [part.strip().partition(b"=") for part in headers.get(b"cookie", b"").split(b";")]
        return any(
            name == self._access.cookie.encode() and self._is_equal(value, self._access.token)
            for name, _, value in pairs
        )

    async def _check_form(
        self, scope: Message, headers: dict[bytes, bytes], receive: Receive, send: Send
    ) -> None:
        """Pass a form whose field `token` is right; its body is read here and passed on."""
        body = b""
        if headers.get(b"content-type", b"").partition(b";")[0].strip().lower() == FORM:
            unfinished = True
            while unfinished and len(body) <= MOST_FORM_BYTES:
                message = await receive()
                if message["type"] == "http.disconnect":
                    return
                body += message.get("body", b"")
                unfinished = message.get("more_body", False)
        if len(body) > MOST_FORM_BYTES:
            await _refuse(send, 413, "The form is too long.")
            return
        fields = parse_qs(body.decode("latin-1"))
        if not self._is_equal(fields.get("token", [""])[-1].encode(), self._access.form_token):
            await _refuse(send, 403, "The page is too old. Load it again, and send it once more.")
            return
        await self._pass(scope, _replayed(body, receive), send)

    @staticmethod
    def _is_equal(found: bytes, expected: str) -> bool:
        return hmac.compare_digest(found, expected.encode())


def _is_of_these_pages(headers: dict[bytes, bytes]) -> bool:
    """Whether the Origin is the very host and port that is asked."""
    origin = urlsplit(headers.get(b"origin", b"").decode("latin-1"))
    host = headers.get(b"host", b"").decode("latin-1").lower()
    return origin.scheme in ("http", "https") and bool(host) and origin.netloc.lower() == host


def _replayed(body: bytes, receive: Receive) -> Receive:
    """A `receive` that gives the whole `body` first."""
    waiting = [{"type": "http.request", "body": body, "more_body": False}]

    async def next_message() -> Message:
        return waiting.pop() if waiting else await receive()

    return next_message


def _with_headers(send: Send) -> Send:
    """A `send` that adds the security headers which the answer does not set itself."""

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            own = {name.lower() for name, _ in message["headers"]}
            added = [(name, value) for name, value in HEADERS.items() if name not in own]
            message["headers"] = [*message["headers"], *added]
        await send(message)

    return sending


async def _refuse(send: Send, status: int, reason: str) -> None:
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": reason.encode()})


def _derived(token: str, purpose: str) -> str:
    return hmac.new(token.encode(), purpose.encode(), hashlib.sha256).hexdigest()
