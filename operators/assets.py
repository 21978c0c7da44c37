"""The assets of a pipeline in Airflow: raw data, a watched folder, the trained model, packages.

An event of an asset says in its `extra` what is new; a run that raw data started uses the revision
that its newest event names."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from airflow.sdk import Asset, AssetWatcher

from stages.artifacts import Ref
from stages.config.airflow import data_uri

if TYPE_CHECKING:
    from airflow.triggers.base import BaseEventTrigger

REVISION = "revision"  # in the extra of an event of raw data


def data_asset(name: str) -> Asset:
    """The raw data `name`."""
    return Asset(data_uri(name), group="data")


def watched_asset(folder: str, trigger: "BaseEventTrigger") -> Asset:
    """What arrives in the watched `folder`; `trigger` sees it."""
    watcher = AssetWatcher(name=f"watch {folder}", trigger=trigger)
    return Asset(f"aiwf://folder{quote(folder)}", group="folder", watchers=[watcher])


def model_asset(pipeline: str) -> Asset:
    """The trained model of `pipeline`."""
    return Asset(f"aiwf://model/{pipeline}", group="model")


def package_asset(pipeline: str, target: str) -> Asset:
    """The package of `pipeline` for `target`."""
    return Asset(f"aiwf://package/{pipeline}/{target}", group="package")


def announced_revision(data: str, context: Mapping[str, Any]) -> str:
    """The revision of the raw data `data` that started this run; '' if another thing did. Of
    several revisions that started it together, the one that was announced last."""
    events = [
        event
        for asset, found in (context.get("triggering_asset_events") or {}).items()
        if asset.uri == data_uri(data)
        for event in found
        if event.extra.get(REVISION)
    ]
    newest = max(events, key=lambda event: event.timestamp, default=None)
    return str(newest.extra[REVISION]) if newest else ""


def describe_outlets(
    outlets: list[Any], ref: Ref, inputs: Mapping[str, Ref], context: Mapping[str, Any]
) -> None:
    """Say in the events of a task's `outlets` which artifact is new, and of what it was made."""
    ids = {kind: each.id for kind, each in inputs.items()} | {ref.kind: ref.id}
    for outlet in outlets:
        context["outlet_events"][outlet].extra.update(ids)
