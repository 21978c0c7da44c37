"""The service answers with what is live, through swaps and kills."""

import os
import signal
import threading
import time

import httpx
import pytest

from stages.publish.collected import CollectedInputs
from stages.publish.following import state_of
from stages.publish.publishing import publish, roll_back
from stages.publish.use_policy import UsePolicy, set_policy
from tests.publish.conftest import PIPELINE, picture, saved_dataset
from tests.publish.live import live_service

pytestmark = pytest.mark.service
GUARD = 240  # seconds; another process may be at work on this machine
RED = picture("red", 1)


@pytest.fixture
def data(settings):
    return saved_dataset(settings, range(40))


@pytest.fixture
def live(settings, tmp_path):
    with live_service(settings, tmp_path / "live.log") as running:
        yield running


def labelled(answer):
    return answer.json()["labels"][0]["label"]


def wait_for(condition):
    ends = time.monotonic() + GUARD
    while not condition():
        assert time.monotonic() < ends
        time.sleep(0.1)


def test_what_is_published_answers_and_a_failing_package_is_never_taken(
    live, settings, packed, data
):
    mixed, other = packed("mixed", data).ref.id, packed("other", data).ref.id
    failing = packed("failing", data).ref.id
    unpublished = live.predict(PIPELINE, RED)
    publish(PIPELINE, mixed, settings)
    live.until(PIPELINE, mixed)
    first = live.predict(PIPELINE, RED)
    publish(PIPELINE, other, settings, because="a test")
    live.until(PIPELINE, other)
    second = live.predict(PIPELINE, RED)
    publish(PIPELINE, failing, settings, because="nobody tested it")
    wait_for(lambda: state_of(PIPELINE, settings).refused)
    third, state = live.predict(PIPELINE, RED), state_of(PIPELINE, settings)
    roll_back(PIPELINE, settings)
    wait_for(lambda: not state_of(PIPELINE, settings).problem)
    roll_back(PIPELINE, settings)
    seconds = live.until(PIPELINE, mixed)

    assert (unpublished.status_code, labelled(first), labelled(second)) == (404, "red", "blue")
    answered = [each.headers["x-aiwf-package"] for each in (first, second, third)]
    assert answered == [mixed, other, other]
    assert second.headers["x-aiwf-version"] == "2"
    assert (state.package, state.refused) == (other, failing)
    assert "Selftest failed" in state.problem
    assert seconds < 30  # 5 on a machine of its own
    numbers = live.get("/metrics").text
    assert (
        f'live_requests_total{{package="{mixed}",pipeline="colours",status="200"}} 1.0' in numbers
    )
    assert 'live_swaps_total{outcome="taken",pipeline="colours"} 3.0' in numbers
    assert 'live_swaps_total{outcome="refused",pipeline="colours"} 1.0' in numbers
    assert f'live_package{{package="{mixed}",pipeline="colours"}} 1.0' in numbers
    assert 'refused_total{why="not live"} 1.0' in numbers
    assert live.get(f"/{PIPELINE}/metadata").json()["name"] == PIPELINE
    assert live.get(f"/{PIPELINE}/docs").status_code == 200
    assert live.get("/", headers={"host": "evil.example"}).status_code == 403


def test_no_request_is_lost_through_swaps_and_kills(live, settings, packed, data):
    ids = [packed(name, data).ref.id for name in ("mixed", "other")]
    for id in ids:
        publish(PIPELINE, id, settings, because="a test")
    live.until(PIPELINE, ids[1])
    answers, stopping = [], threading.Event()

    def send_requests():
        with httpx.Client(timeout=GUARD) as client:
            while not stopping.is_set():
                found = client.post(
                    f"{live.place}/{PIPELINE}/predict",
                    content=RED,
                    headers={"content-type": "image/png"},
                )
                answers.append((found.status_code, found.headers.get("x-aiwf-package")))

    threads = [threading.Thread(target=send_requests) for _ in range(3)]
    for thread in threads:
        thread.start()
    for _ in range(2):
        os.kill(live.workers()[0], signal.SIGKILL)
        roll_back(PIPELINE, settings)
        os.kill(live.workers()[0], signal.SIGKILL)
        live.until(PIPELINE, ids[0])
        publish(PIPELINE, ids[1], settings, because="again")
        live.until(PIPELINE, ids[1])
    stopping.set()
    for thread in threads:
        thread.join()

    assert len(answers) > 100
    assert {status for status, _ in answers} == {200}
    assert {package for _, package in answers} == set(ids)


def test_a_service_that_was_killed_is_back_with_what_is_live(live, settings, packed, data):
    first, second = packed("mixed", data).ref.id, packed("right", data).ref.id
    publish(PIPELINE, first, settings)
    live.until(PIPELINE, first)
    before = live.server()

    publish(PIPELINE, second, settings)
    time.sleep(0.8)  # the package is being prepared
    before.kill()
    during = live.predict(PIPELINE, RED)  # it waits in the line of the socket
    live.until(PIPELINE, second)

    assert (during.status_code, during.headers["x-aiwf-package"] in (first, second)) == (200, True)
    assert live.server().pid != before.pid
    place = settings.root / "mlflow" / "mlflow.db"  # now the registry goes away
    place.rename(place.with_name("away.db"))
    place.mkdir()
    live.server().kill()
    wait_for(lambda: state_of(PIPELINE, settings).problem)
    assert live.predict(PIPELINE, RED).headers["x-aiwf-package"] == second
    assert live.stop() == 0


def test_inputs_are_kept_and_reported_at_the_service_as_the_policy_says(
    live, settings, packed, data
):
    right = packed("right", data).ref.id
    publish(PIPELINE, right, settings)
    live.until(PIPELINE, right)

    def report(**query):
        return httpx.post(
            f"{live.place}/{PIPELINE}/wrong", params=query, content=RED, timeout=GUARD
        )

    off = report(label="green")
    set_policy(PIPELINE, UsePolicy(random=1.0, reports=True), settings)
    time.sleep(1.5)  # the policy is read once a second
    live.predict(PIPELINE, RED)
    inputs = CollectedInputs(PIPELINE, settings)
    wait_for(inputs.all)
    on, unknown = report(label="green", answer="red"), report(label="nothing")

    assert [each.status_code for each in (off, on, unknown)] == [403, 200, 422]
    (found,) = inputs.all()
    assert (found.reason, found.answer, found.reported) == ("random", "red", "green")
    assert inputs.path(found.digest).read_bytes() == RED
    numbers = live.get("/metrics").text
    assert 'live_inputs_total{outcome="kept",pipeline="colours"} 1.0' in numbers
    assert 'live_inputs_total{outcome="reported",pipeline="colours"} 1.0' in numbers
