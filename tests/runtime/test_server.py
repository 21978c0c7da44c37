"""The package as a service."""

import asyncio
import os
import re
import signal
import socket
import subprocess
import sys
from itertools import islice

import httpx
import pytest

from stages.runtime.commands import main
from stages.runtime.errors import InfrastructureError
from stages.runtime.limits import Limits
from stages.runtime.server import limited, serve
from tests.runtime.asgi import served, several
from tests.runtime.painting import plain, saved

BLUE, GREEN = saved(plain((0, 0, 255))), saved(plain((0, 255, 0)))
PNG = {"content-type": "image/png"}


@pytest.fixture
def client(package):
    with served(package, threads=2, limits=Limits(most_bytes=50_000, most_files=3)) as client:
        yield client


def test_a_picture_as_the_body_is_answered(client):
    response = client.post("/predict", content=BLUE, headers=PNG, params={"top": 1})

    assert response.status_code == 200
    assert [label["label"] for label in response.json()["labels"]] == ["blue"]


def test_pictures_in_a_form_are_answered_in_order_and_a_bad_one_costs_only_itself(client):
    response = client.post("/predict", files=several(BLUE, b"nonsense", GREEN))

    first, second, third = response.json()["predictions"]
    assert (first["labels"][0]["label"], third["labels"][0]["label"]) == ("blue", "green")
    assert second["file"] == "1.png"
    assert "known format" in second["problem"]


@pytest.mark.parametrize(
    ("content", "kind", "status", "problem"),
    [
        (b"nonsense", "image/png", 422, "known format"),
        (BLUE[:60], "image/png", 422, "cannot be decoded"),
        (b"", "image/jpeg", 422, "empty"),
        (b"{}", "application/json", 415, "The body is 'application/json'"),
        (b"x" * 50_001, "image/png", 413, "more than 50000 bytes"),
        (b"nonsense", "multipart/form-data", 400, "boundary"),
    ],
)
def test_what_cannot_be_answered_is_refused_with_a_remedy(client, content, kind, status, problem):
    response = client.post("/predict", content=content, headers={"content-type": kind})

    assert response.status_code == status
    assert problem in response.json()["problem"]
    assert response.json()["remedy"]


def test_a_body_that_hides_its_size_is_cut_off(client):
    async def parts():
        for _ in range(20):
            yield b"x" * 10_000

    response = client.post("/predict", content=parts(), headers=PNG)

    assert response.status_code == 413


def test_a_form_may_hold_so_many_files_and_must_hold_one(client):
    many = client.post("/predict", files=several(*[BLUE] * 4))
    none = client.post("/predict", data={"top": "1"}, files={})
    empty = client.post("/predict", files=[("text", (None, "no file"))])

    assert many.status_code == 400
    assert "Maximum number of files is 3" in many.json()["problem"]
    assert none.status_code == 415
    assert "holds no file" in empty.json()["problem"]


@pytest.mark.parametrize("top", ["x", "-1", "100000"])
def test_a_wrong_question_is_told_in_the_same_shape(client, top):
    response = client.post("/predict", content=BLUE, headers=PNG, params={"top": top})

    assert response.status_code == 422
    assert "query top" in response.json()["problem"]


def test_it_tells_how_it_is_and_what_it_is(client):
    assert client.get("/health").json() == {"status": "ok"}
    assert client.get("/metadata").json()["labels"] == ["red", "green", "blue"]
    assert client.get("/nothing").json()["problem"] == "Not Found"


def test_requests_are_counted_by_route_and_unknown_paths_together(client):
    client.post("/predict", content=BLUE, headers=PNG)
    client.post("/predict", content=b"", headers=PNG)
    client.get("/one")
    client.get("/two")

    text = client.get("/metrics").text

    assert 'requests_total{path="/predict",status="200"} 1.0' in text
    assert 'requests_total{path="/predict",status="422"} 1.0' in text
    assert 'requests_total{path="other",status="404"} 2.0' in text
    assert 'request_seconds_count{path="/predict"} 2.0' in text


def test_the_page_about_it_needs_no_other_server(client):
    page = client.get("/docs").text

    places = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert places
    assert all(client.get(f"/{place}").status_code == 200 for place in places)
    assert client.get("/openapi.json").json()["paths"]["/predict"]["post"]["requestBody"]


def test_more_than_it_can_answer_is_put_off(package):
    limits = Limits(waiting=4, patience=0.2, seconds=60)
    with served(package, threads=1, limits=limits) as client:  # one at work, four may wait
        client.post("/predict", content=BLUE, headers=PNG)
        (worker,) = client.pool.pids()

        async def requests():
            os.kill(worker, signal.SIGSTOP)
            requests = [
                client.request("POST", "/predict", content=BLUE, headers=PNG) for _ in range(7)
            ]
            ends = asyncio.as_completed(requests)
            refused = [await response for response in islice(ends, 2)]
            os.kill(worker, signal.SIGCONT)
            return refused, [await response for response in ends]

        refused, answered = asyncio.run(requests())
        numbers = client.get("/metrics").text

    assert [response.status_code for response in refused] == [503, 503]
    assert refused[0].headers["retry-after"] == "1"
    assert [response.status_code for response in answered] == [200] * 5
    assert 'refused_total{why="busy"} 2.0' in numbers


def test_a_taken_port_is_told(package):
    with (
        socket.create_server(("127.0.0.1", 0)) as taken,
        pytest.raises(InfrastructureError, match=r"Cannot listen on 127\.0\.0\.1") as caught,
    ):
        serve(package, port=taken.getsockname()[1])

    assert "--port" in caught.value.remedy


def test_limits_of_the_command_line_hold_for_a_request_as_well():
    limits = limited(seconds=60, megabytes=2000)

    assert (limits.seconds, limits.request_seconds, limits.memory) == (60, 60, 2_000_000_000)


@pytest.mark.parametrize("number", ["0", "-1", "x", "1e9", "1000000"])
def test_a_limit_that_is_none_is_told(package, number, capsys):
    with pytest.raises(SystemExit):
        main(["serve", "--seconds", number], package)

    assert number in capsys.readouterr().err


@pytest.mark.service
def test_the_packed_service_answers_on_loopback_and_ends_when_asked(package):
    command = [sys.executable, "-m", "colours_sdk", "serve", "--port", "0", "--seconds", "20"]
    keep = {name: os.environ[name] for name in ("PATH",) if name in os.environ}
    with subprocess.Popen(
        command, cwd=package, env=keep, stderr=subprocess.PIPE, text=True
    ) as server:
        try:
            place = re.search(r"http://127\.0\.0\.1:\d+", server.stderr.readline()).group()
            response = httpx.post(f"{place}/predict", content=GREEN, headers=PNG)
            health = httpx.get(f"{place}/health")
        finally:
            server.send_signal(signal.SIGTERM)
            ended = server.wait(20)

    assert response.json()["labels"][0]["label"] == "green"
    assert health.status_code == 200
    assert ended in (0, -signal.SIGTERM)
