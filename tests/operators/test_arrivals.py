"""A watched folder: data count as arrived when they are complete, and are added once."""

import asyncio
import os
from collections import defaultdict
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from operators.arrivals import FolderTrigger, arrival
from operators.assets import data_asset
from operators.intake import IntakeOperator
from stages.etl import source
from stages.settings import Settings
from tests import makers
from tests.operators.conftest import context


@pytest.fixture
def settings(tmp_path, monkeypatch) -> Settings:
    """A workspace without data, named in the environment as a worker finds it."""
    found = makers.settings(tmp_path)
    monkeypatch.setenv("AIWF_WORKSPACE", str(found.root))
    return found


class AssetState:
    """Keeps the state of an asset, as Airflow does."""

    def __init__(self) -> None:
        self.values: dict[str, str] = {}

    async def aget(self, key: str, default: str = "") -> str:
        return self.values.get(key, default)

    async def aset(self, key: str, value: str) -> None:
        self.values[key] = value


async def next_event(events: Any, seconds: float = 0.5) -> dict[str, str] | None:
    """The payload of the next event; None if there is none for a while."""
    step = asyncio.ensure_future(anext(events))
    done, _ = await asyncio.wait({step}, timeout=seconds)
    if not done:
        step.cancel()
        return None
    return step.result().payload


def trigger(folder: Path, state: AssetState) -> FolderTrigger:
    watching = FolderTrigger(str(folder), seconds=0.02)
    watching.asset_state_store = state
    return watching


def test_a_file_that_still_grows_has_not_arrived(tmp_path):
    path = tmp_path / "a.csv"

    async def grown() -> list[dict[str, str] | None]:
        events = trigger(tmp_path, AssetState()).run()
        step = asyncio.ensure_future(anext(events))
        for _ in range(20):
            with path.open("a") as file:
                file.write("row\n")
            await asyncio.sleep(0.01)  # shorter than between two looks
        assert not step.done()
        return [(await step).payload]

    [payload] = asyncio.run(grown())

    assert payload == arrival(tmp_path)._asdict()


def test_each_content_is_reported_once_also_by_a_triggerer_that_is_started_again(tmp_path):
    state = AssetState()
    (tmp_path / "a.csv").write_text("first")

    async def twice() -> list[dict[str, str] | None]:
        events = trigger(tmp_path, state).run()
        payloads = [await next_event(events), await next_event(events)]
        again = trigger(tmp_path, state).run()
        payloads.append(await next_event(again))
        (tmp_path / "a.csv").write_text("second one")
        payloads.append(await next_event(trigger(tmp_path, state).run()))
        return payloads

    first, none, again, changed = asyncio.run(twice())

    assert None not in (first, changed)
    assert first != changed
    assert none is None
    assert again is None


def test_a_folder_that_is_not_there_is_waited_for(tmp_path):
    folder = tmp_path / "later"

    async def appearing() -> dict[str, str] | None:
        step = asyncio.ensure_future(anext(trigger(folder, AssetState()).run()))
        await asyncio.sleep(0.1)
        makers.folder_of_pictures(folder, each=1)
        return (await step).payload

    assert asyncio.run(appearing())["path"] == str(folder)


@pytest.mark.parametrize("name", ["a.zip.part", "circle/b.png.crdownload", "c.TMP"])
def test_a_name_that_says_unfinished_is_waited_for(tmp_path, name):
    makers.folder_of_pictures(tmp_path / "in", each=1)
    (tmp_path / "in" / name).write_bytes(b"")

    assert arrival(tmp_path / "in") is None


def test_a_zip_counts_when_its_end_is_there_and_the_newest_one(tmp_path):
    whole = makers.zipped(tmp_path / "old.zip", {"a.txt": b"a"})
    os.utime(whole, (1, 1))
    content = makers.zipped(tmp_path / "new.zip", {"b.txt": b"b" * 99}).read_bytes()

    complete = arrival(tmp_path)
    (tmp_path / "new.zip").write_bytes(content[:-9])
    without_end = arrival(tmp_path)

    assert complete.path == str(tmp_path / "new.zip")
    assert without_end is None


def test_hidden_files_and_an_empty_folder_are_nothing(tmp_path):
    (tmp_path / ".DS_Store").write_bytes(b"x")
    (tmp_path / ".hidden").mkdir()
    (tmp_path / ".hidden" / "a.png").write_bytes(b"x")

    assert arrival(tmp_path) is None


def intake(folder: Path, name: str) -> tuple[IntakeOperator, dict[str, Any]]:
    data = data_asset(name)
    task = IntakeOperator(task_id="add_data", folder=str(folder), name=name, data=data)
    events = defaultdict(lambda: SimpleNamespace(extra={}))
    return task, {**context(), "outlet_events": events}


def test_what_arrived_is_a_revision_that_the_asset_s_event_names(settings, tmp_path):
    makers.folder_of_pictures(tmp_path / "in", each=4)
    task, started = intake(tmp_path / "in", "arrived")

    revision = task.execute(started)

    [found] = source.revisions("arrived", settings)
    assert found.revision == revision
    [event] = started["outlet_events"].values()
    assert event.extra["revision"] == revision
    with pytest.raises(AirflowSkipException, match="same content"):
        task.execute(started)
    assert len(source.revisions("arrived", settings)) == 1


def test_a_folder_with_nothing_complete_is_skipped(settings, tmp_path):
    task, started = intake(tmp_path / "nowhere", "empty")

    with pytest.raises(AirflowSkipException, match="nothing complete"):
        task.execute(started)


def test_data_that_cannot_be_read_are_told(settings, tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "notes.txt").write_text("no picture")
    task, started = intake(tmp_path / "in", "unreadable")

    with pytest.raises(AirflowFailException):
        task.execute(started)

    assert not started["outlet_events"]
