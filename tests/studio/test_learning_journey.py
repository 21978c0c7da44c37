"""From a published package to a better one, by the studio's pages and the live service alone: a
wrong answer is reported, reviewed, learnt from, compared, promoted, and rolled back."""

import time

import pytest

from stages.config import DataConfig, read_pipeline
from stages.etl import source
from stages.etl.manifest import samples_of
from stages.etl.readers import read_revision
from stages.opening import open_store
from stages.publish.collected import CollectedInputs
from stages.publish.comparing import dataset_of
from stages.publish.history import moves
from stages.runner import run_pipeline
from stages.studio.run_list import runs_of
from tests import makers
from tests.publish.live import live_service

pytestmark = [pytest.mark.slow, pytest.mark.service]
NAME = "shapes"
TRAINED = 1200.0  # seconds within which a small run ends, also on a busy machine


@pytest.fixture
def first(settings, tmp_path):
    """The package of the first run of a small real pipeline."""
    path = makers.quick_pipeline(tmp_path, settings)
    artifacts = run_pipeline(read_pipeline(path), run="first", settings=settings)
    return open_store(settings).load(artifacts["deploy_device_sdk"])


def retrained(browser, settings):
    """Press the button that trains, and wait for the package of that run."""
    browser.post(f"/pipelines/{NAME}/train")
    ends = time.monotonic() + TRAINED
    while True:
        newest = runs_of(settings)[0]
        if newest.state == "finished":
            return open_store(settings).load(
                open_store(settings).find(f"package@{newest.ships.id}")
            )
        assert newest.state == "running", newest
        assert time.monotonic() < ends
        time.sleep(0.5)


def publish(browser, package, champion, because=""):
    form = {"package": package.ref.id, "champion": champion, "because": because}
    answer = browser.post(f"/models/{NAME}/publish", form)
    assert answer.status_code == 200, answer.text


def test_a_wrong_answer_is_reported_learnt_from_and_rolled_back(browser, settings, first, tmp_path):
    publish(browser, first, "")
    with live_service(settings, tmp_path / "live.log", NAME) as live:
        live.until(NAME, first.ref.id)
        picture = makers.picture("triangle", 500)
        answer = live.predict(NAME, picture)
        browser.post(f"/models/{NAME}/use", {"reports": "yes", "random": "0"})
        place = f"/try/{first.ref.id}/wrong?label=triangle&answer=circle"
        assert browser.post(place, content=picture).json() == {"kept": True}

        (reported,) = CollectedInputs(NAME, settings).all()
        review = browser.get(f"/models/{NAME}/review").text
        decision = {"digest": reported.digest, "label": "triangle", "decision": "accept"}
        browser.post(f"/models/{NAME}/review", decision)
        revised = browser.post(f"/models/{NAME}/review/revision").text
        second = retrained(browser, settings)
        compared = browser.get(f"/models/{NAME}/challenger?package={second.ref.id}").text
        publish(browser, second, first.ref.id, because="it has learnt the reported one")
        live.until(NAME, second.ref.id)
        promoted = live.predict(NAME, picture)
        browser.post(f"/models/{NAME}/rollback", {"champion": second.ref.id})
        live.until(NAME, first.ref.id)
        back = live.predict(NAME, picture)

    answered = [each.headers["x-aiwf-package"] for each in (answer, promoted, back)]
    assert answered == [first.ref.id, second.ref.id, first.ref.id]
    assert "<option selected>triangle</option>" in review
    assert "has them now" in revised
    assert "test samples" in compared
    assert [move.kind for move in moves(NAME, settings)] == ["published"] * 2 + ["rolled back"]
    check_data(settings, first, second, reported.digest)


def check_data(settings, first, second, reported):
    """The reported sample was learnt from, and the test stayed what it was."""
    store = open_store(settings)
    tests = [
        {sample.digest for sample in samples_of(dataset_of(package, store), store, "test")}
        for package in (first, second)
    ]
    learnt = {
        sample.digest: sample.split for sample in samples_of(dataset_of(second, store), store)
    }
    with source.opened(DataConfig(name=NAME), settings) as folder:
        rows = {row.file: row for row in read_revision(folder).rows}
    assert learnt[reported] in ("train", "validation")
    assert tests[0] == tests[1]
    assert len(rows) == 3 * 24 + 1
    assert rows[f"use/{reported[:20]}.png"].label == "triangle"
