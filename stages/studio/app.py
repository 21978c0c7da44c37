"""The studio's application: the pages of all modules behind its access rules; and its server."""

import socket
from collections.abc import Sequence
from pathlib import Path

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from stages.local.guard import Guard, allowed
from stages.opening import open_store
from stages.privacy import claim
from stages.runtime.errors import InfrastructureError, WorkflowError
from stages.settings import Settings
from stages.studio import (
    bring,
    compare,
    faults,
    home,
    labelling,
    live_models,
    mistakes,
    pipelines,
    revisions,
    runs,
    stored_samples,
    trying,
    use_review,
)
from stages.studio.access import HEADERS, AccessMiddleware, StudioAccess, token_of
from stages.studio.lan import LanCertificate, lan_addresses, lan_certificate, lan_names
from stages.studio.overlays import OverlayDrawer
from stages.studio.rendering import NotFound, error_answer, form_of, leading_to
from stages.studio.words import COOKIE, LANGUAGES

STATIC = Path(__file__).with_name("static")
YEAR = 365 * 24 * 3600  # seconds
PAGES = (
    home,
    revisions,
    bring,
    labelling,
    faults,
    pipelines,
    runs,
    mistakes,
    compare,
    stored_samples,
    trying,
    live_models,
    use_review,
)


def studio(settings: Settings, access: StudioAccess) -> Starlette:
    """The application: the routes of every page module, for requests that `access` lets in."""
    routes: list[BaseRoute] = [route for module in PAGES for route in module.routes(settings)]
    application = Starlette(
        routes=[
            *routes,
            Route("/language", _choose_language, methods=["POST"]),
            Mount("/static", StaticFiles(directory=STATIC)),
        ],
        middleware=[
            Middleware(Guard, hosts=access.hosts),
            Middleware(AccessMiddleware, access=access),
        ],
        lifespan=trying.worker_life,
        exception_handlers={
            WorkflowError: error_answer,
            HTTPException: _http_error,
            Exception: _fault,
        },
    )
    application.state.access = access
    application.state.overlays = OverlayDrawer(settings, open_store(settings))
    return application


def serve(settings: Settings, port: int, lan: bool = False) -> None:
    """Serve the studio on this machine until Ctrl-C, and print the address that opens it. `lan`:
    also for other devices of the network, with HTTPS.

    Raises InfrastructureError if the port is taken, or there is no network."""
    import uvicorn

    claim(settings.root)
    addresses = lan_addresses() if lan else []
    if lan and not addresses:
        raise InfrastructureError(
            "This machine is in no network that others could reach it by.",
            "Connect it to one, or start the studio without --lan.",
        )
    hosts = (*allowed(settings.hosts), *addresses, *(lan_names() if lan else ()))
    access = StudioAccess(token_of(settings.root), hosts, encrypted=lan)
    listening = _listening("0.0.0.0" if lan else "127.0.0.1", port)  # noqa: S104 - --lan asks for it
    number = listening.getsockname()[1]
    certificate = lan_certificate(settings.root, hosts) if lan else None
    config = uvicorn.Config(
        studio(settings, access),
        access_log=False,
        log_level="warning",
        server_header=False,
        timeout_graceful_shutdown=3,
        ssl_certfile=certificate.certificate if certificate else None,
        ssl_keyfile=certificate.key if certificate else None,
    )
    if certificate:
        _print_lan_notice(addresses, number, access, certificate)
    else:
        _print(f"The studio is at http://127.0.0.1:{number}/?token={access.token}")
    uvicorn.Server(config).run(sockets=[listening])


def _listening(host: str, port: int) -> socket.socket:
    """A socket that listens. Raises InfrastructureError if the port is taken."""
    try:
        return socket.create_server((host, port))
    except OSError as error:
        raise InfrastructureError(
            f"Cannot listen on {host}:{port}: {error.strerror}.", "Choose another with --port."
        ) from error


def _print_lan_notice(
    addresses: Sequence[str], port: int, access: StudioAccess, certificate: LanCertificate
) -> None:
    """Print the addresses, what whoever has one can do, and how to know the certificate."""
    first, *further = [f"https://{address}:{port}/?token={access.token}" for address in addresses]
    _print(f"The studio is at {first}")
    for address in further:
        _print(f"              or {address}")
    _print(
        "It is open to the network: every device that reaches this machine can connect. Whoever\n"
        "has this address with its token can see, change and remove your data, start trainings\n"
        "on this machine and try its packages. Give it to nobody else; Ctrl-C ends the studio.\n"
        "The certificate is its own, so a browser asks once whether to trust it. Its fingerprint:\n"
        f"SHA-256 {certificate.fingerprint}"
    )


def _print(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - it is the command's output


async def _choose_language(request: Request) -> Response:
    """Keep the chosen language in a cookie and lead back to the page."""
    form = await form_of(request)
    back = form.get("back", "/")
    if not back.startswith("/") or back.startswith("//") or "\\" in back:
        back = "/"
    answer = leading_to(request, back)
    if form.get("language") in LANGUAGES:
        answer.set_cookie(COOKIE, form["language"], max_age=YEAR, samesite="strict")
    return answer


async def _http_error(request: Request, error: Exception) -> Response:
    """What Starlette refuses, such as an address that there is not, as a page."""
    assert isinstance(error, HTTPException)  # noqa: S101 - the handler is registered for it
    if error.status_code == 404:
        return await error_answer(
            request, NotFound(f"There is no page {request.url.path}.", "Go to the first page.")
        )
    return Response(error.detail, error.status_code, error.headers)


async def _fault(request: Request, error: Exception) -> Response:
    """A fault of ours as a page; the server also prints its traceback."""
    ours = WorkflowError(
        f"{type(error).__name__}: {error}",
        "This is a fault of ours. Its details are where `aiwf studio` was started.",
    )
    answer = await error_answer(request, ours)
    answer.status_code = 500
    for name, value in HEADERS.items():  # this handler stands outside of the middleware
        answer.headers[name.decode()] = value.decode()
    return answer
