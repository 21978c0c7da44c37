"""The studio in Airflow's navigation, for whoever is logged in there and may start runs.

The studio is a server of its own beside Airflow, so that no page of it holds the API server up.
This page checks the login, and leads to it with its token."""

from typing import Any, ClassVar

from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.core_api.security import GetUserDep
from airflow.plugins_manager import AirflowPlugin
from fastapi import FastAPI, HTTPException, Request
from fastapi.responses import RedirectResponse

from stages.local.health import taken
from stages.local.running import STUDIO
from stages.settings import Settings
from stages.studio.access import token_of

entrance = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)


@entrance.get("/")
def enter(request: Request, user: GetUserDep) -> RedirectResponse:
    """Lead to the studio under the name by which Airflow was reached. 401 without a login, 403 for
    users who may not start runs, 503 if the studio does not run."""
    if not get_auth_manager().is_authorized_dag(method="POST", user=user):
        raise HTTPException(403, "The studio is for users who may start runs.")
    settings = Settings()
    if not taken(settings.studio_port):
        raise HTTPException(503, "The studio does not run here. `aiwf up` starts it, too.")
    token = token_of(settings.root)
    address = f"http://{request.url.hostname}:{settings.studio_port}/?token={token}"
    return RedirectResponse(address, status_code=303, headers={"Cache-Control": "no-store"})


class StudioEntrance(AirflowPlugin):  # type: ignore[misc]
    """The page and its place in the navigation."""

    name = "aiwf_studio"
    fastapi_apps: ClassVar[list[dict[str, Any]]] = [
        {"app": entrance, "url_prefix": STUDIO.rstrip("/"), "name": "studio"}
    ]
    external_views: ClassVar[list[dict[str, Any]]] = [
        {"name": "Studio", "href": STUDIO, "destination": "nav"}
    ]
