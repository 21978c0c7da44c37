"""What is live of a pipeline: its champion, a challenger beside it, the history, rolling back, the
package to take away, and what is kept of use."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, BinaryIO, NamedTuple

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from stages.artifacts import Package
from stages.deploy.pack import zipped
from stages.opening import open_store
from stages.publish.collected import CollectedInputs
from stages.publish.comparing import read_comparison
from stages.publish.destination import delivery_of
from stages.publish.history import Move, moves
from stages.publish.live_pipelines import live_pipeline
from stages.publish.places import live_folder
from stages.publish.use_policy import UsePolicy, policy_of, set_policy
from stages.runtime.errors import ConfigError, WorkflowError
from stages.settings import Settings
from stages.studio import child
from stages.studio.compare import drawn, points
from stages.studio.home import packages_of
from stages.studio.rendering import NotFound, form_of, leading_to, page, zip_download
from stages.studio.run_list import RunView, runs_of
from stages.studio.trying import stored_package

SHARES = ("random", "doubtful", "rejected")
NUMBERS = ("most_inputs", "most_megabytes", "days")


def routes(settings: Settings) -> list[Route]:
    """The page of what is live of a pipeline, its parts, what changes it, and a package's zip."""

    def model(request: Request) -> Response:
        return _model_page(request, _name(request, settings), settings)

    def compared(request: Request) -> Response:
        name = _name(request, settings)
        package = request.query_params.get("package", "")
        try:
            found = child.called("put_forward", {"pipeline": name, "package": package}, settings)
        except WorkflowError as error:
            why = {"problem": error.problem, "remedy": error.remedy}
            return page(request, "challenger.html", 200, name=name, found=None, **why)
        record = found["comparison"]
        comparison = read_comparison(record) if record else None
        return page(request, "challenger.html", name=name, package=package, found=found,
                    comparison=comparison, points=points, drawn=drawn)  # fmt: skip

    async def publish(request: Request) -> Response:
        name, form = _name(request, settings), await form_of(request)
        wanted = {key: form.get(key, "") for key in ("package", "champion", "because")}
        return await run_in_threadpool(_changed, request, "published", name, wanted, settings)

    async def roll_back(request: Request) -> Response:
        name, form = _name(request, settings), await form_of(request)
        wanted = {"champion": form.get("champion", ""), "why": form.get("why", "")}
        return await run_in_threadpool(_changed, request, "rolled_back", name, wanted, settings)

    async def use(request: Request) -> Response:
        name, form = _name(request, settings), await form_of(request)
        await run_in_threadpool(set_policy, name, policy_in(form), settings)
        return leading_to(request, f"/models/{name}#use")

    def drift(request: Request) -> Response:
        name = _name(request, settings)
        wanted = {"pipeline": name, "package": live_pipeline(name, settings).package}
        try:
            weeks, problem = child.called("weeks_of_use", wanted, settings), ""
        except WorkflowError as error:
            weeks, problem = [], f"{error.problem} {error.remedy}"
        return page(request, "drift.html", weeks=weeks, problem=problem, drawn=drawn)

    async def take_away(request: Request) -> Response:
        package = await run_in_threadpool(stored_package, request, settings)
        archive = await run_in_threadpool(_zip, package, settings)
        return zip_download(archive, f"{package.name}-{package.target}-{package.ref.id[:8]}.zip")

    return [
        Route("/models/{name}", model),
        Route("/models/{name}/challenger", compared),
        Route("/models/{name}/publish", publish, methods=["POST"]),
        Route("/models/{name}/rollback", roll_back, methods=["POST"]),
        Route("/models/{name}/use", use, methods=["POST"]),
        Route("/models/{name}/drift", drift),
        Route("/packages/{package}/zip", take_away),
    ]


def policy_in(form: dict[str, str]) -> UsePolicy:
    """The policy of the form's fields; shares are in per cent. Raises ConfigError."""
    values: dict[str, object] = {"reports": form.get("reports") == "yes"}
    try:
        values |= {key: float(form.get(key) or 0) / 100 for key in SHARES}
        values |= {key: int(form[key]) for key in NUMBERS if form.get(key)}
    except ValueError as error:
        raise ConfigError(f"{error}.", "Write numbers; nothing was changed.") from None
    return UsePolicy.of(values)


def phone_code(request: Request, path: str) -> str:
    """A QR code that leads a telephone to `path` of this studio, as the address of a picture; '' if
    no other device can reach it. The code holds the studio's token, as its address does."""
    access = request.app.state.access
    if not access.encrypted:
        return ""
    import segno

    address = f"{request.base_url}".rstrip("/") + f"{path}?token={access.token}"
    code: str = segno.make(address, error="m").svg_data_uri(scale=4, border=3, light="white")
    return code


def _model_page(request: Request, name: str, settings: Settings) -> Response:
    live = live_pipeline(name, settings)
    past: list[Move] = [] if live.problem else moves(name, settings)
    candidates = _candidates(name, live.package, settings)
    if not past and not candidates:
        raise NotFound(f"No pipeline '{name}' has a package.", "A run that is finished makes one.")
    chosen = request.query_params.get("package") or (candidates[0].id if candidates else "")
    return page(
        request,
        "model.html",
        name=name,
        live=live,
        past=past[::-1],
        can_roll_back=len({move.after for move in past if move.after}) > 1,
        candidates=candidates,
        chosen=chosen if chosen != live.package else "",
        policy=policy_of(name, settings),
        counts=_counts(name, settings),
        delivery=delivery_of(name, settings),
        code=phone_code(request, f"/try/{live.package}") if live.package else "",
        port=settings.live_port,
    )


class PublishablePackage(NamedTuple):
    """A package that could be published, in words."""

    id: str
    target: str
    when: str
    measured: str


def _candidates(name: str, live: str, settings: Settings) -> list[PublishablePackage]:
    """The packages of the pipeline's runs but the live one, the newest first."""
    found: list[tuple[RunView, int]] = packages_of(runs_of(settings))
    views = [(run, run.packages[place]) for run, place in found if run.pipeline == name]
    return [
        PublishablePackage(package.id, package.target, run.when_text, package.outcome.measured)
        for run, package in views
        if package.id != live
    ]


def _counts(name: str, settings: Settings) -> dict[str, int]:
    """How many collected inputs are in each state."""
    counts: dict[str, int] = {}
    for each in CollectedInputs(name, settings).all():
        counts[each.state] = counts.get(each.state, 0) + 1
    return counts


def _changed(
    request: Request, function: str, name: str, wanted: dict[str, Any], settings: Settings
) -> Response:
    child.called(function, {"pipeline": name, **wanted}, settings)
    return leading_to(request, f"/models/{name}")


def _name(request: Request, settings: Settings) -> str:
    name: str = request.path_params["name"]
    live_folder(name, settings)  # refuses what is no name
    return name


def _zip(package: Package, settings: Settings) -> BinaryIO:
    """The open zip of a package, which is on the disk only as long as it is open."""
    with TemporaryDirectory() as folder:
        return zipped(package, open_store(settings), Path(folder) / "package.zip").open("rb")
