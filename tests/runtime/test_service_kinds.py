"""Services for each kind of answer and modality: boxes as JSON or drawn, sounds, their pages."""

import pytest

from tests.runtime.asgi import served, several
from tests.runtime.networks import scene, tune
from tests.runtime.painting import plain, saved
from tests.runtime.test_hostile_pictures import bomb, png_of, scanned

BLUE = saved(plain((0, 0, 255)))
PNG = {"content-type": "image/png"}
RED_SPOT = scene(((255, 0, 0), (32, 16, 64, 32)))
JPEG = b"\xff\xd8\xff"


@pytest.fixture
def client(package):
    with served(package) as client:
        yield client


@pytest.fixture
def boxing(spots):
    with served(spots) as client:
        yield client


@pytest.fixture
def hearing(tones):
    with served(tones) as client:
        yield client


def test_boxes_are_told_as_json_and_drawn_when_asked(boxing):
    response = boxing.post("/predict", content=RED_SPOT, headers=PNG)
    drawn = boxing.post("/predict", content=RED_SPOT, headers=PNG, params={"draw": "true"})
    accepted = boxing.post("/predict", content=RED_SPOT, headers={**PNG, "accept": "image/jpeg"})

    assert [box["label"] for box in response.json()["boxes"]] == ["red"]
    for response in (drawn, accepted):
        assert (response.status_code, response.headers["content-type"]) == (200, "image/jpeg")
        assert response.content[:3] == JPEG


def test_a_browser_which_takes_anything_gets_json(boxing):
    accept = "text/html,image/jpeg,*/*;q=0.8"

    response = boxing.post("/predict", content=RED_SPOT, headers={**PNG, "accept": accept})

    assert response.json()["boxes"]


def test_a_threshold_may_be_asked_for(boxing):
    response = boxing.post("/predict", content=RED_SPOT, headers=PNG, params={"threshold": "0.999"})
    wrong = boxing.post("/predict", content=RED_SPOT, headers=PNG, params={"threshold": "2"})

    assert response.json() == {"boxes": []}
    assert wrong.status_code == 422


def test_what_cannot_be_drawn_is_told(boxing, client):
    form = boxing.post("/predict", files=several(RED_SPOT), params={"draw": "true"})
    labels = client.post("/predict", content=BLUE, headers=PNG, params={"draw": "true"})
    broken = boxing.post("/predict", content=b"nonsense", headers=PNG, params={"draw": "true"})

    assert [response.status_code for response in (form, labels, broken)] == [422] * 3
    assert "cannot be drawn" in form.json()["problem"]
    assert "cannot be drawn" in labels.json()["problem"]
    assert "known format" in broken.json()["problem"]


def test_a_service_for_sounds_takes_sounds(hearing):
    response = hearing.post("/predict", content=tune(300), headers={"content-type": "audio/wav"})
    unsaid = hearing.post("/predict", content=tune(3000))
    photo = hearing.post("/predict", content=BLUE, headers=PNG)
    text = hearing.post("/predict", content=b"no sound", headers={"content-type": "audio/wav"})

    assert response.json()["labels"][0]["label"] == "low"
    assert len(response.json()["windows"]) == 2
    assert unsaid.json()["labels"][0]["label"] == "high"
    assert photo.status_code == 415
    assert "Send a clip as audio/..." in photo.json()["remedy"]
    assert text.status_code == 422
    assert "not a sound" in text.json()["problem"]


def test_each_services_page_says_what_it_takes(boxing, hearing):
    boxes, labels = (
        client.get("/openapi.json").json()["paths"]["/predict"] for client in (boxing, hearing)
    )

    assert boxes["post"]["summary"] == "One photo (the body) or several (a form) in, " + (
        "boxes with label and score out"
    )
    assert "image/*" in boxes["post"]["requestBody"]["content"]
    assert "image/jpeg" in boxes["post"]["responses"]["200"]["content"]
    assert "audio/*" in labels["post"]["requestBody"]["content"]
    assert "image/jpeg" not in labels["post"]["responses"]["200"]["content"]


def test_a_picture_bomb_costs_only_its_own_request(boxing):
    response = boxing.post("/predict", content=bomb(60_000), headers=PNG)

    assert response.status_code == 422
    assert "too large" in response.json()["problem"]


@pytest.mark.parametrize(
    ("data", "problem"),
    [(scanned(5000), "scans"), (png_of((2_000_000, 1), 8, 0), "too large"), (b"", "empty")],
    ids=["scans", "side", "empty"],
)
def test_what_is_refused_before_it_is_decoded_ends_no_worker(client, data, problem):
    answer = client.post("/predict", content=data, headers=PNG)

    assert answer.status_code == 422
    assert problem in answer.json()["problem"]
    assert "ended_workers_total{" not in client.get("/metrics").text
