"""A run whose parameters cannot be is refused before it starts, in a sentence; others start."""

import asyncio
import json

import pytest

from operators.trigger_check import MOST_BYTES, TriggerCheck

START = "/api/v2/dags/shapes/dagRuns"
RAW = "Invalid input for param train.trials: 'x' is not of type 'integer'"
SCHEMA = "\n\nFailed validating 'type' in schema:\n    {'type': 'integer'}"


@pytest.fixture
def pipelines(settings, tmp_path, monkeypatch):
    """A folder with the pipeline 'shapes', beside one that cannot be read."""
    (tmp_path / "a_broken.yaml").write_text("- a list\n")
    (tmp_path / "shapes.yaml").write_text(
        "name: shapes\ntask: image_classification\ndata: shapes\n"
    )
    monkeypatch.setenv("AIWF_PIPELINES", str(tmp_path))


def answered(body: bytes, path: str = START, method: str = "POST", status: int = 200, detail=""):
    """The status and the body of the answer, and the bodies that Airflow got to see."""
    sent, received = [], []
    pieces = [body[start : start + 1000] for start in range(0, len(body), 1000)] or [b""]
    waiting = [
        {"type": "http.request", "body": piece, "more_body": place < len(pieces) - 1}
        for place, piece in enumerate(pieces)
    ]

    async def receive():
        return waiting.pop(0)

    async def send(message):
        sent.append(message)

    async def airflow(scope, receive, send):
        unfinished = True
        while unfinished:
            message = await receive()
            received.append(message["body"])
            unfinished = message["more_body"]
        text = json.dumps({"detail": detail}).encode()
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": text[:9], "more_body": True})
        await send({"type": "http.response.body", "body": text[9:]})

    scope = {"type": "http", "path": path, "method": method}
    asyncio.run(TriggerCheck(airflow)(scope, receive, send))
    text = b"".join(message.get("body", b"") for message in sent)
    return sent[0]["status"], json.loads(text)["detail"], b"".join(received)


def conf(**answers) -> bytes:
    answers = {key.replace("__", "."): value for key, value in answers.items()}
    return json.dumps({"logical_date": None, "conf": answers}).encode()


@pytest.mark.parametrize(
    ("answers", "message"),
    [
        ({"evaluate__gate": "accuracy=0,9"}, "with a point and not a comma"),
        ({"train__budget_minutes": 0}, "train.budget_minutes"),
        ({"train__trials": "many"}, "train.trials"),
        ({"etl__splits__train": 0.9}, "add up to 1.200"),
        ({"train__families": ["nanodet"]}, "'nanodet' is not for image_classification"),
        ({"data__name": "nowhere"}, "no data called 'nowhere'"),
        ({"data__revision": "ffffffff"}, "'ffffffff' names no revision"),
        ({"train__input_sizes": [225]}, "no family for image_classification takes pictures of 225"),
        ({"train__input_sizes": [225], "train__trials": 3}, "Give multiples of 32"),
        (
            {"train__families": ["efficientnet_lite0"], "train__input_sizes": [250]},
            "efficientnet_lite0 takes no pictures of 250 pixels",
        ),
        ({"train__tirals": 3}, "Did you mean 'train.trials'"),
    ],
)
def test_what_cannot_be_is_refused_before_airflow_sees_it(pipelines, answers, message):
    status, detail, received = answered(conf(**answers))

    assert status == 400
    assert message in detail
    assert "schema" not in detail
    assert received == b""


@pytest.mark.parametrize(
    "body", [conf(), conf(train__trials=3), conf(evaluate__gate="accuracy=0.9"), b"", b"[]", b"{"]
)
def test_airflow_gets_the_whole_request_of_a_run_that_can_be(pipelines, body):
    assert answered(body) == (200, "", body)


def test_a_yaml_that_cannot_be_is_told_when_it_is_run(pipelines, tmp_path):
    path = tmp_path / "shapes.yaml"
    path.write_text(path.read_text() + "train: {families: [nanodet]}\n")

    status, detail, _ = answered(conf())

    assert status == 400
    assert "'nanodet' is not for image_classification" in detail


def test_a_pipeline_that_is_not_here_and_other_requests_are_left_to_airflow(pipelines):
    wrong = conf(train__trials="many")

    assert answered(wrong, path="/api/v2/dags/elsewhere/dagRuns")[0] == 200
    assert answered(wrong, path="/api/v2/dags/shapes/tasks")[0] == 200
    assert answered(wrong, method="GET")[0] == 200


def test_a_very_long_request_is_left_to_airflow_whole(pipelines):
    body = conf(train__trials="x" * 2 * MOST_BYTES)

    assert answered(body) == (200, "", body)


def test_airflow_s_own_refusal_is_told_without_its_schema(pipelines):
    status, detail, _ = answered(conf(), status=400, detail=RAW + SCHEMA)

    assert (status, detail) == (400, RAW)


def test_other_answers_of_airflow_stay_as_they_are(pipelines):
    assert answered(conf(), status=409, detail="twice" + SCHEMA)[:2] == (409, "twice" + SCHEMA)


@pytest.mark.parametrize(
    ("answers", "message"),
    [
        ({}, "No samples are named"),
        ({"samples": "nowhere"}, "no data called 'nowhere'"),
        ({"samples": "../shapes"}, "cannot be a name"),
        ({"samples": "shapes", "gate": "accuracy=90"}, "shares from 0 to 1"),
        ({"samples": "shapes", "gate": "acuracy=0.9"}, "no metric is called"),
    ],
)
def test_samples_of_one_s_own_that_cannot_be_are_refused(pipelines, answers, message):
    status, text, received = answered(conf(**answers), START.replace("shapes", "shapes_evaluate"))

    assert (status, received) == (400, b"")
    assert message in text


@pytest.mark.parametrize("samples", ["shapes", "/somewhere/on/the/worker"])
def test_samples_of_one_s_own_are_passed_on(pipelines, samples):
    body = conf(samples=samples, gate="accuracy=0.9")

    assert answered(body, START.replace("shapes", "shapes_evaluate"))[::2] == (200, body)
