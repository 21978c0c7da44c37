"""Announces a new revision of raw data to Airflow, where it may start runs."""

from collections.abc import Callable
from urllib.parse import urlencode

from stages.config.airflow import data_uri
from stages.etl.raw_data import Revision
from stages.local.airflow_server import AirflowServer, airflow_server
from stages.runtime.errors import WorkflowError
from stages.settings import Settings


def announce_revision(
    revision: Revision, settings: Settings, notify: Callable[[str], None]
) -> None:
    """Tell Airflow that `revision` is the newest of its data, as an event of the data's asset.

    Airflow is the server that AIWF_AIRFLOW names, or that of `aiwf up`; without one, and where no
    pipeline uses the data, nothing happens. The revision is saved already, so trouble with Airflow
    is only notified."""
    try:
        server = airflow_server(settings)
        if server and _announced(revision, server):
            notify(f"announced to Airflow as {data_uri(revision.name)}")
    except (WorkflowError, OSError) as error:
        notify(
            f"saved, but not announced to Airflow: {error} Runs that new data start have to be "
            "triggered there."
        )


def _announced(revision: Revision, server: AirflowServer) -> bool:
    """Create the event, if Airflow has the asset. Whether it has."""
    uri = data_uri(revision.name)
    found = server.call("GET", f"/api/v2/assets?{urlencode({'uri_pattern': uri, 'limit': 100})}")
    ids = [asset["id"] for asset in found["assets"] if asset["uri"] == uri]
    extra = {"revision": revision.revision, "samples": revision.samples, "note": revision.note}
    for number in ids:
        server.call("POST", "/api/v2/assets/events", {"asset_id": number, "extra": extra})
    return bool(ids)
