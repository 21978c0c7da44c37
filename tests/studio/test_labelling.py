"""The page of label and review: what it answers, and what it refuses."""

import io
import json
import shutil
import warnings
from uuid import uuid4

import pytest
from PIL import Image

from stages.artifacts import Model, digest_of
from stages.etl import source
from stages.opening import open_store
from stages.runner.lock import Lock
from stages.studio.access import StudioAccess
from stages.studio.app import studio
from stages.studio.words import LANGUAGES, catalogue
from tests import layouts, makers, sounds

with warnings.catch_warnings():  # it prefers another HTTP library, which is in no lock yet
    warnings.simplefilter("ignore")
    from starlette.testclient import TestClient

TOKEN = "t" * 43
ORIGIN = "http://localhost"


@pytest.fixture
def settings(tmp_path, monkeypatch):
    from stages.studio import drafts, labelling, work

    def called(name, request, own):
        return work.FUNCTIONS[name](own, **request)

    monkeypatch.setattr(drafts, "called", called)
    monkeypatch.setattr(labelling, "called", called)
    return makers.settings(tmp_path)


@pytest.fixture
def client(settings):
    access = StudioAccess(TOKEN)
    client = TestClient(studio(settings, access), base_url=ORIGIN)
    client.cookies.set(access.cookie, TOKEN)
    client.headers = {"Origin": ORIGIN, "X-AIWF-Token": access.form_token}
    return client


@pytest.fixture(scope="module")
def added(tmp_path_factory):
    """A workspace to which a data set was added once."""
    folder = tmp_path_factory.mktemp("added")
    makers.folder_of_pictures(folder / "shapes", 3)
    source.add("shapes", folder / "shapes", makers.settings(folder))
    return makers.settings(folder).root


@pytest.fixture
def shapes(client, settings, added):
    shutil.copytree(added, settings.root, dirs_exist_ok=True)
    return client


def act(client, *actions, who="ann", name="shapes"):
    return client.post(f"/data/{name}/label/actions", json={"who": who, "actions": actions})


def change(file, before, after):
    changes = [{"file": file, "before": before, "after": after}]
    return {"action": str(uuid4()), "kind": "change", "changes": changes}


def samples(client, name="shapes", **query):
    return client.get(f"/data/{name}/label/samples", params=query).json()["samples"]


def test_the_page_has_no_script_or_style_inside(shapes):
    page = shapes.get("/data/shapes/label")

    assert page.status_code == 200
    assert "<script>" not in page.text
    assert "style=" not in page.text
    assert "default-src 'self'" in page.headers["content-security-policy"]


def test_both_languages_have_every_text(shapes):
    for key, texts in catalogue().items():
        assert set(texts) == set(LANGUAGES), key
    page = shapes.get("/data/shapes/label", headers={"Accept-Language": "zh"})
    assert "标注与检查" in page.text


def test_a_change_is_acknowledged_with_the_sample_as_it_is_then(shapes):
    state = shapes.get("/data/shapes/label/state").json()
    assert state["labels"] == {"circle": 3, "square": 3, "triangle": 3}
    (result,) = act(
        shapes, change("circle/000.png", {"label": "circle"}, {"label": "square"})
    ).json()["results"]

    assert result["samples"][0]["label"] == "square"
    state = shapes.get("/data/shapes/label/state", params={"who": "ann"}).json()
    assert state["labels"]["square"] == 4
    assert (state["undo"], state["redo"], state["counts"]["changed"]) == (1, 0, 1)


def test_one_request_takes_actions_in_their_order(shapes):
    first = change("circle/000.png", {"label": "circle"}, {"label": "square"})
    second = change("circle/000.png", {"label": "square"}, {"label": "triangle"})
    undo = {"action": str(uuid4()), "kind": "undo"}
    answer = act(shapes, first, second, undo, first).json()

    assert [result["samples"][0]["label"] for result in answer["results"]] == [
        *("square", "triangle", "square"),
        "square",  # the first again: no second change
    ]
    assert answer["undo"] == 1


def test_a_change_by_somebody_else_is_told_and_not_overwritten(shapes):
    act(shapes, change("circle/000.png", {"label": "circle"}, {"label": "square"}))
    (result,) = act(
        shapes, change("circle/000.png", {"label": "circle"}, {"label": "dog"}), who="bob"
    ).json()["results"]

    assert result["authors"] == {"circle/000.png": "ann"}
    assert result["samples"][0]["label"] == "square"


def test_everybody_hears_of_changes(shapes):
    number = shapes.get("/data/shapes/label/state").json()["number"]
    act(shapes, change("circle/000.png", {"label": "circle"}, {"label": "square"}))
    found = shapes.get("/data/shapes/label/changes", params={"after": number}).json()

    assert [entry["who"] for entry in found["entries"]] == ["ann"]
    assert found["samples"][0]["label"] == "square"
    again = shapes.get("/data/shapes/label/changes", params={"after": found["number"]}).json()
    assert again["entries"] == []


def test_pictures_and_thumbnails_are_shown(shapes):
    revision = shapes.get("/data/shapes/label/state").json()["revision"]
    first = samples(shapes)[0]
    for what, kind in (("view", "image/png"), ("thumbnail", "image/jpeg")):
        answer = shapes.get(
            f"/data/shapes/label/view/{what}/{first['number']}", params={"revision": revision}
        )
        assert answer.headers["content-type"] == kind
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert Image.open(io.BytesIO(answer.content)).size == (64, 64)
    stale = shapes.get(f"/data/shapes/label/view/view/{first['number']}?revision=old.dir")
    assert stale.status_code == 409


HOSTILE = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'


def test_a_hostile_file_and_a_broken_one_show_their_problem(client, settings, tmp_path):
    label = "<img src=x onerror=alert(1)>"
    for number in range(2):
        layouts.put(tmp_path / "bad" / "a" / f"{number}.png", makers.picture(seed=number))
    layouts.put(tmp_path / "bad" / label / "evil.png", HOSTILE)
    layouts.put(tmp_path / "bad" / label / "cut.png", makers.picture()[:100])
    source.add("bad", tmp_path / "bad", settings)
    revision = client.get("/data/bad/label/state").json()["revision"]

    for sample in samples(client, "bad", label=label):
        answer = client.get(f"/data/bad/label/view/view/{sample['number']}?revision={revision}")
        assert answer.status_code == 415
        assert answer.headers["content-type"] == "application/json"
        assert answer.json()["problem"]
    assert label not in client.get("/data/bad/label").text


def test_sounds_have_a_spectrogram_and_are_played(client, settings, tmp_path):
    for label, pitch in (("low", 200), ("high", 900)):
        for number in range(2):
            tone = sounds.tone(pitch + 9 * number)
            layouts.put(tmp_path / "tones" / label / f"{number}.wav", sounds.saved(tone))
    source.add("tones", tmp_path / "tones", settings)
    state = client.get("/data/tones/label/state").json()
    number, revision = samples(client, "tones")[0]["number"], state["revision"]

    assert state["modality"] == "sounds"
    view = client.get(f"/data/tones/label/view/view/{number}?revision={revision}")
    assert view.headers["content-type"] == "image/jpeg"
    played = client.get(f"/data/tones/label/view/sound/{number}?revision={revision}")
    assert played.headers["content-type"] == "audio/wav"
    assert played.content.startswith(b"RIFF")


def test_a_revision_is_saved_with_its_note(shapes, settings):
    act(shapes, change("circle/000.png", {"label": "circle"}, {"label": "square"}))
    saved = shapes.post("/data/shapes/label/save", json={"note": "one mended"}).json()

    newest = source.revisions("shapes", settings)[-1]
    assert (newest.revision, newest.note) == (saved["revision"], "one mended")
    state = shapes.get("/data/shapes/label/state").json()
    assert (state["revision"], state["counts"]["changed"]) == (saved["revision"], 0)


def saved_model(settings, digests, truth, answers, name="shapes"):
    """A run's model with these out-of-fold predictions of the data set `name`."""
    store = open_store(settings)
    unseen = {"digests": digests, "truth": truth, "answers": answers}
    model = Model(
        task="image_classification",
        labels=makers.LABELS,
        family="efficientnet_lite0",
        input_shape=(3, 8, 8),
        before=(),
        after=(),
        hyperparameters={},
        selection={},
        files={"unseen.json": store.add(json.dumps(unseen).encode())},
    )
    lock = Lock(
        run="a-run",
        pipeline="a-pipeline",
        data={"name": name, "revision": ""},
        config={},
        seeds={},
        requirements="",
        machine={},
        artifacts={"train": store.save(model)},
    )
    store.note("runs/a-run", lock.model_dump(mode="json"))


def test_suspects_of_the_last_model_come_first(shapes, settings, added):
    files = [f"{label}/{number:03}.png" for label in makers.LABELS for number in range(3)]
    digests = [digest_of((added.parent / "shapes" / file).read_bytes()) for file in files]
    truth = [makers.LABELS.index(file.split("/")[0]) for file in files]
    answers = [[0.9 if label == own else 0.05 for label in range(3)] for own in truth]
    answers[1], answers[4] = [0.1, 0.8, 0.1], [0.7, 0.2, 0.1]
    saved_model(settings, digests, truth, answers)

    state = shapes.get("/data/shapes/label/state").json()
    found = samples(shapes, suspects="1")

    assert (state["model"], state["counts"]["suspects"]) == (True, 2)
    assert [(sample["file"], sample["suggestion"]) for sample in found] == [
        ("circle/001.png", "square"),
        ("square/001.png", "circle"),
    ]
    act(shapes, change("circle/001.png", {"reviewed": False}, {"reviewed": True}))
    assert [sample["file"] for sample in samples(shapes, suspects="1")] == ["square/001.png"]
    act(shapes, change("square/001.png", {"split": ""}, {"split": "test"}))
    assert samples(shapes, suspects="1") == []
    assert samples(shapes, find="square/001")[0]["suggestion"] == ""


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"{" * 20000,
        b'{"actions": 3}',
        b'{"actions": []}',
        b'{"who": "ann", "actions": [3]}',
        json.dumps({"who": "ann", "actions": [{"action": "short"}] * 101}).encode(),
    ],
)
def test_a_request_that_cannot_be_is_refused(shapes, content):
    answer = shapes.post("/data/shapes/label/actions", content=content)

    assert answer.status_code == 422
    assert answer.json()["problem"]


@pytest.mark.parametrize(
    "action",
    [
        {"action": "x", "changes": []},
        {"action": "a" * 12},
        {"action": "a" * 12, "changes": ["x"]},
        {"action": "a" * 12, "changes": [{"file": "a", "before": [], "after": {}}]},
        change("circle/000.png", {"label": "circle"}, {"label": "a\u202eb"}),
        change("circle/000.png", {"label": "circle"}, {"label": "x" * 201}),
    ],
)
def test_an_action_that_cannot_be_changes_nothing(shapes, action):
    (result,) = act(shapes, action).json()["results"]

    assert result["problem"]
    assert shapes.get("/data/shapes/label/state").json()["counts"]["changed"] == 0


def test_nothing_is_answered_or_changed_without_the_token(shapes):
    headers = dict(shapes.headers)
    shapes.headers = {**headers, "X-AIWF-Token": ""}
    assert act(shapes, change("circle/000.png", {}, {})).status_code == 403
    shapes.headers = {**headers, "Origin": "http://elsewhere.example"}
    assert act(shapes, change("circle/000.png", {}, {})).status_code == 403
    shapes.headers = headers
    shapes.cookies.clear()
    for path in ("", "/state", "/samples", "/changes", "/view/view/1"):
        assert shapes.get(f"/data/shapes/label{path}").status_code == 401


@pytest.mark.parametrize("name", ["none", "..", "Shapes", "cache"])
def test_data_that_is_not_there_is_no_page(client, name):
    assert client.get(f"/data/{name}/label").status_code in (404, 422)
    assert client.get(f"/data/{name}/label/state").status_code in (404, 422, 503)
