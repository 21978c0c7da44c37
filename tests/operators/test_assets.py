"""Assets: a run that new data started uses the announced revision, and says what it reference."""

from collections import defaultdict
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowFailException

from operators.assets import announced_revision, data_asset, model_asset
from operators.etl import EtlOperator
from stages.artifacts import Ref
from stages.etl import source
from stages.opening import open_store
from tests.operators.conftest import context


@dataclass
class Event:
    """An event of an asset, as Airflow hands it to the run that it started."""

    timestamp: int
    extra: dict[str, Any] = field(default_factory=dict)


def started_by(*events: Event, data: str = "shapes") -> dict[str, Any]:
    return {"triggering_asset_events": {data_asset(data): list(events)}}


@pytest.mark.parametrize(
    ("found", "revision"),
    [
        ({}, ""),
        (started_by(), ""),
        (started_by(Event(1, {"revision": "a"})), "a"),
        (started_by(Event(2, {"revision": "b"}), Event(1, {"revision": "a"})), "b"),
        (started_by(Event(1, {"revision": "a"}), Event(2)), "a"),  # created by hand, without extra
        (started_by(Event(1, {"revision": "a"}), data="else"), ""),
    ],
)
def test_the_revision_that_was_announced_last_counts(found, revision):
    assert announced_revision("shapes", found) == revision


def test_a_run_uses_the_announced_revision_and_not_the_newest(settings, pipeline):
    task = EtlOperator(task_id="etl", config=pipeline, inputs={})
    started = started_by(Event(1, {"revision": "0" * 32 + ".dir"}))

    with pytest.raises(AirflowFailException, match=r"'0+\.dir' names no revision of 'shapes'"):
        task.execute(context("announced") | started)


def test_a_revision_that_the_form_names_counts_more(settings, pipeline):
    first = source.revisions("shapes", settings)[0].revision
    task = EtlOperator(task_id="etl", config=pipeline, inputs={})
    started = started_by(Event(1, {"revision": "0" * 32 + ".dir"}))

    reference = task.execute(context("named", data__revision=first) | started)

    assert open_store(settings).load(Ref(*reference)).revision == first


def test_an_asset_s_event_names_the_artifact(settings, pipeline):
    asset = model_asset("shapes")
    task = EtlOperator(task_id="etl", config=pipeline, inputs={}, outlets=[asset])
    events = {"outlet_events": defaultdict(lambda: SimpleNamespace(extra={}))}

    kind, id = task.execute(context("outlets") | events)

    assert events["outlet_events"][asset].extra == {kind: id}
