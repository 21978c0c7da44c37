"""The page that says how many faults in a person's own data would be found: some are planted in a
copy of the annotations, in memory, and the suspects are counted."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from stages.runtime.errors import ConfigError, WorkflowError
from stages.settings import Settings
from stages.studio.child import called
from stages.studio.home import data_of
from stages.studio.rendering import page

KINDS = ("flipped", "dropped", "shifted")
SHARES = ("5", "30")  # per cent


def routes(settings: Settings) -> list[Route]:
    """The page, and what it loads: planting takes a while."""

    def faults(request: Request) -> Response:
        name, _ = data_of(request, settings)
        kind, share = _chosen(request)
        values: dict[str, Any] = {"kind": kind, "share": share, "kinds": KINDS, "shares": SHARES}
        return page(request, "faults.html", name=name, **values)

    def found(request: Request) -> Response:
        name, _ = data_of(request, settings)
        kind, share = _chosen(request)
        if not kind:
            raise ConfigError("Which faults?", "Choose them on the page.")
        wanted = {"name": name, "kind": kind, "share": int(share) / 100}
        try:
            values = _figures(called("planted", wanted, settings))
        except WorkflowError as error:
            values = {"problem": error.problem, "remedy": error.remedy}
        return page(request, "faults_found.html", name=name, **values)

    return [Route("/data/{name}/faults", faults), Route("/data/{name}/faults/found", found)]


def _figures(answer: dict[str, Any]) -> dict[str, Any]:
    """What the page shows: means over the rounds, shares of the planted faults in per cent."""
    rounds = answer["rounds"]
    sums = {key: sum(entry[key] for entry in rounds) for key in rounds[0]}
    return {
        "problem": "",
        "samples": answer["samples"],
        "is_most": answer["is_most"],
        "rounds": len(rounds),
        "planted": round(sums["planted"] / len(rounds)),
        "suspects": round(sums["suspects"] / len(rounds)),
        "first": 100 * sums["first"] / max(sums["planted"], 1),
        "among": 100 * sums["among"] / max(sums["planted"], 1),
    }


def _chosen(request: Request) -> tuple[str, str]:
    """The kind of faults and the share in per cent that the address names; "" for no kind."""
    kind, share = (request.query_params.get(key, "") for key in ("kind", "share"))
    return kind if kind in KINDS else "", share if share in SHARES else SHARES[0]
