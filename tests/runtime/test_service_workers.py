"""What a sample can do to the process that works on it, and what then becomes of the others."""

import asyncio
import os
import shutil
import signal
import sys
import time

import pytest

from stages.runtime.errors import Damaged
from stages.runtime.limits import Limits
from stages.runtime.server import create_app
from tests.runtime.asgi import served, several
from tests.runtime.loopback import GUARD
from tests.runtime.painting import deep, plain, saved

BLUE, GREEN = saved(plain((0, 0, 255))), saved(plain((0, 255, 0)))
PNG = {"content-type": "image/png"}
MB = 1_000_000


def best(answer):
    return answer["labels"][0]["label"]


async def meanwhile(client, harm, content=BLUE, **options):
    """The answer to a request of whose worker `harm` is done, and one to a request behind it."""
    (worker,) = client.pool.pids()
    os.kill(worker, signal.SIGSTOP)  # as a decoder does that never ends
    options = options or {"content": content, "headers": PNG}
    first = asyncio.create_task(client.request("POST", "/predict", **options))
    second = asyncio.create_task(client.request("POST", "/predict", content=GREEN, headers=PNG))
    await asyncio.sleep(0.2)
    harm(worker)
    return await first, await second


@pytest.mark.parametrize(
    "content", [BLUE, pytest.param(b"x" * MB, marks=pytest.mark.service)], ids=["small", "large"]
)  # more than a pipe holds
def test_a_sample_that_takes_too_long_is_told_so_and_the_next_is_answered(package, content):
    with served(package, limits=Limits(seconds=3)) as client:
        client.post("/predict", content=BLUE, headers=PNG)

        late, next_answer = asyncio.run(meanwhile(client, lambda worker: None, content))
        numbers = client.get("/metrics").text

    assert late.status_code == 422
    assert "within 3 s" in late.json()["problem"]
    assert late.json()["remedy"]
    assert best(next_answer.json()) == "green"
    assert 'ended_workers_total{why="time"} 1.0' in numbers


@pytest.mark.parametrize(
    "number", [signal.SIGSEGV, *(pytest.param(n, marks=pytest.mark.service) for n in (9, 15))]
)
def test_a_worker_that_dies_costs_one_answer(package, number):
    with served(package) as client:
        client.post("/predict", content=BLUE, headers=PNG)

        def harm(worker):
            os.kill(worker, number)
            os.kill(worker, signal.SIGCONT)

        lost, next_answer = asyncio.run(meanwhile(client, harm))
        numbers = client.get("/metrics").text

    assert lost.status_code == 500
    assert signal.Signals(number).name in lost.json()["problem"]
    assert best(next_answer.json()) == "green"
    assert 'ended_workers_total{why="crash"} 1.0' in numbers


def test_a_worker_that_dies_while_it_has_nothing_to_do_costs_no_answer(package):
    with served(package) as client:
        client.post("/predict", content=BLUE, headers=PNG)
        (worker,) = client.pool.pids()
        os.kill(worker, signal.SIGKILL)
        time.sleep(0.2)

        answer = client.post("/predict", content=GREEN, headers=PNG)

    assert best(answer.json()) == "green"


@pytest.mark.service
def test_a_form_whose_worker_never_answers_is_told_so(package):
    with served(package, limits=Limits(seconds=3)) as client:
        client.post("/predict", content=BLUE, headers=PNG)

        late, next_answer = asyncio.run(
            meanwhile(client, lambda worker: None, files=several(BLUE, GREEN))
        )

    assert late.status_code == 422
    assert best(next_answer.json()) == "green"


@pytest.mark.service
@pytest.mark.skipif(sys.platform != "linux", reason="no process's memory can be bounded there")
@pytest.mark.parametrize("draw", [False, True])
def test_a_sample_that_takes_too_much_memory_costs_only_itself(spots, draw):
    large = saved(plain((0, 0, 255), (8000, 8000)))  # 192 MB of pixels, 0.2 MB of bytes
    with served(spots, limits=Limits(memory=150 * MB)) as client:
        params = {"draw": str(draw).lower()}
        alone = client.post("/predict", content=large, headers=PNG, params=params)
        next_answer = client.post("/predict", content=GREEN, headers=PNG)
        form = client.post("/predict", files=several(BLUE, large, GREEN))
        numbers = client.get("/metrics").text

    assert alone.status_code == 422
    assert "more memory" in alone.json()["problem"]
    assert next_answer.status_code == 200
    first, second, third = form.json()["predictions"]
    assert "more memory" in second["problem"]
    assert ("boxes" in first, second["file"], "boxes" in third) == (True, "1.png", True)
    assert 'ended_workers_total{why="memory"} 2.0' in numbers


@pytest.mark.service
def test_a_package_that_is_damaged_while_it_serves_is_told_by_health(package):
    with served(package) as client:
        client.post("/predict", content=BLUE, headers=PNG)
        well = client.get("/health")
        (package / "model.onnx").write_bytes(b"other")
        (worker,) = client.pool.pids()
        os.kill(worker, signal.SIGKILL)
        time.sleep(0.2)
        ends = time.monotonic() + GUARD
        while client.get("/health").status_code == 200 and time.monotonic() < ends:
            answer = client.post("/predict", content=BLUE, headers=PNG)
            time.sleep(0.1)
        health = client.get("/health")

    assert well.json() == {"status": "ok"}
    assert answer.status_code == 503
    assert "model.onnx" in answer.json()["problem"]
    assert (health.status_code, health.json()["status"]) == (503, "failing")


def test_a_package_that_no_worker_can_load_is_told_at_the_start(package):
    shutil.copy(package / "labels.txt", package / "model.onnx")

    with pytest.raises(Damaged, match=r"model\.onnx"):
        create_app(package)


def test_what_a_worker_answers_is_what_the_predictor_answers(package, predictor):
    sample = deep(40_000)
    with served(package) as client:
        answer = client.post("/predict", content=sample, headers=PNG)

    assert answer.json() == predictor.predict(sample)
