"""Data that are brought become the very revision that `aiwf data add` makes."""

import json

import pytest

from stages.config import DataConfig
from stages.etl import source
from stages.etl.readers import read_revision
from tests import makers
from tests.etl.test_video_frames import video


def brought(browser, files: dict[str, bytes], chunk: int = 10_000) -> str:
    """Upload `files` in chunks, and return the upload's id."""
    listed = [{"name": name, "size": len(data)} for name, data in files.items()]
    upload = browser.post("/bring/uploads", json={"files": listed}).json()
    for place, data in enumerate(files.values()):
        for start in range(0, len(data), chunk):
            address = f"/bring/uploads/{upload['id']}/{place}?offset={start}"
            answer = browser.post(address, content=data[start : start + chunk])
            assert answer.json() == {"received": min(start + chunk, len(data))}
    return upload["id"]


def shapes(each: int = 3) -> dict[str, bytes]:
    return {
        f"shapes/{label}/{index}.png": makers.picture(label, index)
        for label in makers.LABELS
        for index in range(each)
    }


@pytest.fixture
def zip_bytes(tmp_path) -> bytes:
    return makers.zipped(tmp_path / "made.zip", shapes()).read_bytes()


def test_a_zip_is_understood_then_kept_as_the_command_would(browser, settings, zip_bytes, tmp_path):
    id = brought(browser, {"My Shapes.zip": zip_bytes})

    understood = browser.get(f"/bring/{id}").text
    assert "labels: 3, by samples: circle 3, square 3, triangle 3" in understood
    assert 'value="my_shapes"' in understood
    assert source.names(settings) == []
    answer = browser.post(f"/bring/{id}/keep", {"name": "my_shapes", "note": "first"})

    assert str(answer.url).endswith("/data/my_shapes")
    (revision,) = source.revisions("my_shapes", settings)
    same = source.add("same", makers.zipped(tmp_path / "same.zip", shapes()), settings)
    assert (revision.revision, revision.note) == (same.revision, "first")
    assert browser.get(f"/bring/uploads/{id}").status_code == 404


def test_a_folder_of_files_is_understood(browser):
    id = brought(browser, shapes())

    assert "9 samples" in browser.get(f"/bring/{id}").text


def test_an_upload_that_stopped_goes_on_with_what_is_missing(browser, zip_bytes):
    listed = [{"name": "x.zip", "size": len(zip_bytes)}]
    upload = browser.post("/bring/uploads", json={"files": listed}).json()
    address = f"/bring/uploads/{upload['id']}"
    browser.post(f"{address}/0?offset=0", content=zip_bytes[:1000])

    again = browser.post(f"{address}/0?offset=0", content=zip_bytes[:1000])
    assert (again.status_code, again.json()) == (409, {"received": 1000})
    early = browser.get(f"/bring/{upload['id']}")
    assert "1 of 1 files are not complete" in early.text
    assert "not complete: 1" in browser.get("/bring").text
    assert browser.get(address).json()["received"] == [1000]
    browser.post(f"{address}/0?offset=1000", content=zip_bytes[1000:])

    assert "9 samples" in browser.get(f"/bring/{upload['id']}").text


def test_a_doubt_is_asked_with_its_choices_and_the_answer_is_kept(browser, settings):
    # class folders, or a table of other labels beside them
    files = shapes() | {
        "shapes/list.csv": b"file,label\n"
        + "".join(f"{label}/0.png,other_{label}\n" for label in makers.LABELS).encode()
    }
    id = brought(browser, files)

    question = browser.get(f"/bring/{id}").text
    assert 'value="layout=csv"' in question
    assert 'value="layout=class_folders"' in question
    assert "Keep as a revision" not in question
    answered = browser.post(f"/bring/{id}", {"answer": "layout=class_folders"}).text
    assert "layout: class_folders" in answered
    browser.post(f"/bring/{id}/keep", {"name": "shapes"})

    (revision,) = source.revisions("shapes", settings)
    assert revision.answers == "--layout class_folders"
    assert revision.samples == 9


def test_what_was_understood_can_be_corrected(browser, settings):
    id = brought(browser, shapes())

    corrected = browser.post(f"/bring/{id}", {"exclude": "triangle\n"}).text

    assert "labels: 2, by samples: circle 3, square 3" in corrected
    browser.post(f"/bring/{id}/keep", {"name": "two"})
    assert source.revisions("two", settings)[0].samples == 6


def test_what_cannot_be_understood_is_a_sentence_with_a_remedy(browser, zip_bytes):
    loose = brought(browser, {"a.png": makers.picture(), "b.png": makers.picture(seed=1)})
    damaged = brought(browser, {"x.zip": zip_bytes[: len(zip_bytes) // 2]})

    assert "There are no labelled samples" in browser.get(f"/bring/{loose}").text
    assert "is not a whole zip file" in browser.get(f"/bring/{damaged}").text


def test_hostile_names_are_shown_as_text(browser):
    files = {
        name.replace("circle", "<script>alert(1)<script>"): data for name, data in shapes().items()
    }

    page = browser.get(f"/bring/{brought(browser, files)}").text

    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)" in page


@pytest.mark.parametrize(
    "body", ["", "[]", '{"files": 3}', '{"files": [{"name": "a"}]}', "[" * 9999]
)
def test_a_list_that_is_none_is_refused(browser, body):
    answer = browser.post(
        "/bring/uploads", content=body.encode(), headers={"accept": "application/json"}
    )

    assert (answer.status_code, set(answer.json())) == (422, {"problem", "remedy"})


def test_a_bad_name_is_told_and_the_upload_stays(browser, zip_bytes):
    id = brought(browser, {"x.zip": zip_bytes})

    refused = browser.post(f"/bring/{id}/keep", {"name": "../x"})

    assert refused.status_code == 422
    assert "cannot be a name of data" in refused.text
    assert browser.get(f"/bring/uploads/{id}").json()["received"] == [len(zip_bytes)]


def test_an_upload_can_be_discarded(browser, settings, zip_bytes):
    id = brought(browser, {"x.zip": zip_bytes})

    browser.post(f"/bring/{id}/discard")

    assert json.dumps([path.name for path in (settings.root / "studio/uploads").glob("*")]) == "[]"


@pytest.mark.parametrize("is_zip", [False, True])
def test_videos_become_pictures_before_anything_is_kept(browser, settings, tmp_path, is_zip):
    files = {
        f"clips/{label}/a.mp4": video(tmp_path / f"{label}.mp4").read_bytes()
        for label in ("cat", "dog")
    }
    if is_zip:
        files = {"clips.zip": makers.zipped(tmp_path / "made.zip", files).read_bytes()}
    id = brought(browser, files)

    assert "Videos: 2" in browser.get(f"/bring/{id}").text
    refused = browser.post(f"/bring/{id}/frames", {"rate": "often"})
    assert "The frames a second are no number" in refused.text
    understood = browser.post(f"/bring/{id}/frames", {"rate": "2"}).text
    browser.post(f"/bring/{id}/keep", {"name": "clips"})

    assert "labels: 2, by samples: cat 6, dog 6" in understood
    with source.opened(DataConfig(name="clips"), settings) as folder:
        rows = read_revision(folder).rows
    assert {(row.label, row.group) for row in rows} == {
        ("cat", "cat/a.mp4"),
        ("dog", "dog/a.mp4"),
    }


def test_videos_can_be_left_out(browser, tmp_path):
    clip = video(tmp_path / "a.mp4").read_bytes()
    id = brought(browser, {**shapes(), "shapes/circle/a.mp4": clip})

    understood = browser.post(f"/bring/{id}/frames", {"rate": "", "leave_out": "0"}).text
    assert "9 samples" in understood


@pytest.mark.parametrize("is_zip", [False, True])
def test_samples_without_labels_can_be_brought_to_be_labelled_here(browser, tmp_path, is_zip):
    files = {f"photos/{number}.png": makers.picture("circle", number) for number in range(3)}
    files["photos/notes.txt"] = b"taken in May"
    if is_zip:
        files = {"photos.zip": makers.zipped(tmp_path / "made.zip", files).read_bytes()}
    id = brought(browser, files)
    assert "Bring without labels" in browser.get(f"/bring/{id}").text

    understood = browser.post(f"/bring/{id}/unlabelled").text
    saved = browser.post(f"/bring/{id}/keep", {"name": "photos"})

    assert "labels: 0, by samples: none; 3 files without a label" in understood
    assert "3 samples" in saved.text
