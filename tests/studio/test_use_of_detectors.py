"""Inputs of a detector: kept with the boxes that were answered, given the right ones by a person,
and learnt from as a revision with boxes."""

import json
import os
import re
from pathlib import Path

import pytest

from stages.config import DataConfig
from stages.etl import source
from stages.etl.readers import read_revision
from stages.publish.answered_boxes import boxes_in, boxes_of
from stages.publish.collected import ACCEPTED, LEARNT, REFUSED, CollectedInputs, split_of
from stages.publish.history import history_log, note
from stages.publish.use_policy import UsePolicy, set_policy
from stages.runtime.errors import DataError
from stages.studio.use_revision import revision_of_use
from tests import makers
from tests.runtime.networks import scene
from tests.studio.browser import CHROMIUM, Browser
from tests.studio.conftest import saved_package, saved_run
from tests.studio.server import Server

YAML = "name: spots\ntask: object_detection\ndata: spots\n"
RED, BLUE = ["red", 16.0, 16.0, 32.0, 32.0], ["blue", 40.0, 8.0, 60.0, 30.0]


@pytest.fixture
def package(settings, package_files):
    """The live package of a pipeline that finds spots; people may report its answers."""
    settings.pipelines.mkdir(parents=True)
    (settings.pipelines / "spots.yaml").write_text(YAML)
    saved = saved_package("spots", package_files["spots"], settings)
    saved_run("s", settings, saved, "object_detection")
    with history_log("spots", settings).writing() as writer:
        note(writer, "published", (saved.ref.id, 1))
    set_policy("spots", UsePolicy(reports=True), settings)
    return saved


@pytest.fixture
def inputs(settings, package):
    return CollectedInputs("spots", settings)


def picture(seed):
    """A picture of a red spot and a blue one, 128 pixels wide and 64 high."""
    return scene(("red", (16, 16, 32, 32)), ("blue", (40 + seed, 8, 60 + seed, 30)))


def add_data(settings, tmp_path):
    source.add("spots", makers.folder_of_boxes(tmp_path / "given", 24), settings)


def accept(browser, digest, boxes):
    text = boxes if isinstance(boxes, str) else json.dumps(boxes)
    form = {"digest": digest, "boxes": text, "decision": "accept"}
    return browser.post("/models/spots/review", form, headers={"accept": "application/json"})


def test_wrong_boxes_are_reported_without_a_label(browser, package, inputs):
    place, headers = f"/try/{package.ref.id}/wrong", {"accept": "application/json"}
    page = browser.get(f"/try/{package.ref.id}").text

    def report(**query):
        return browser.post(place, content=picture(0), params=query, headers=headers)

    good = report(answer="red", boxes=json.dumps([RED]))
    bad = [report(boxes=text) for text in ("{", "[1]", json.dumps([["green", 0, 0, 9, 9]]), "1e9")]
    bad.append(report(label="green"))

    assert f'data-wrong="{place}"' in page
    assert good.json() == {"kept": True}
    assert [answer.status_code for answer in bad] == [422] * 5
    (found,) = inputs.all()
    assert (found.answered, found.boxes, found.reported) == ([RED], None, "")


def test_boxes_that_nobody_could_see_are_not_shown_in_the_review():
    """They could not be accepted, as a drawn box is a pixel wide and high, nor be removed."""
    flat = ["red", 5.0, 5.0, 5.04, 9.0]
    answer = {"boxes": [{"label": name, "box": box} for name, *box in (RED, flat, BLUE)]}

    assert boxes_of(answer) == [RED, BLUE]
    assert boxes_in(json.dumps([flat, RED]), ["red"]) == [RED]


def test_what_may_enter_the_test_is_shown_without_the_answered_boxes(browser, settings, inputs):
    set_policy("spots", UsePolicy(random=1.0), settings)
    for seed in range(6):
        inputs.keep(picture(seed), "random", "p", "red", 0.9, [RED])

    page = browser.get("/models/spots/review").text

    boxes = {
        digest: json.loads(text.replace("&#34;", '"'))
        for digest, text in re.findall(r'/view/(\w+)" data-boxes="([^"]*)"', page)
    }
    assert {split_of(each) for each in inputs.all()} == {"test", "train"}
    assert boxes == {
        each.digest: [] if split_of(each) == "test" else [RED] for each in inputs.all()
    }


def test_drawn_boxes_become_a_revision_beside_those_that_there_are(
    browser, settings, inputs, tmp_path
):
    add_data(settings, tmp_path)
    with pytest.raises(DataError, match="No input is accepted"):
        revision_of_use("spots", settings)
    for seed in range(4):
        inputs.report(picture(seed), "", "p", "red", "somebody", [RED])
    drawn = [[RED, BLUE], [["green ball", 0, 0, 128, 64]], []]
    digests = [each.digest for each in inputs.all()]

    answers = [accept(browser, *each) for each in zip(digests, drawn, strict=False)]
    browser.post("/models/spots/review", {"digest": digests[3], "decision": "refuse"})
    revision = revision_of_use("spots", settings)

    assert [answer.status_code for answer in answers] == [200] * 3
    assert (revision.tested, revision.learnt) == (0, 3)
    assert [each.state for each in inputs.all()] == [LEARNT] * 3 + [REFUSED]
    with source.opened(DataConfig(name="spots"), settings) as folder:
        rows = {row.file: row for row in read_revision(folder).rows}
    assert len(rows) == 24 + 3
    for digest, boxes in zip(digests, drawn, strict=False):
        row = rows[f"use/{digest[:20]}.png"]
        assert ([list(box) for box in row.boxes], row.split) == (boxes, "train")
    scenes = {f"images/{seed:03}.png": makers.scene(seed)[1] for seed in range(24)}
    assert {file: rows[file].boxes for file in scenes} == scenes


@pytest.mark.parametrize(
    "boxes",
    [
        *("", "{", "null", "[[", json.dumps(RED), "[" * 5000),
        '[["red", 0, 0, NaN, 9]]',
        f'[["red", 0, 0, 9, 1{"0" * 400}]]',
        [["", 0, 0, 9, 9]],
        [["red", 9, 9, 0, 0]],
        [["red", 0, 0, 129, 9]],
        [["red", 0, 0, 9, 64.5]],
    ],
)
def test_what_are_no_boxes_in_the_picture_is_refused(browser, inputs, boxes):
    inputs.report(picture(0), "", "p", "red", "somebody")

    answer = accept(browser, inputs.all()[0].digest, boxes)

    assert answer.status_code == 422
    assert inputs.all()[0].state == "waiting"


def test_an_input_that_is_gone_or_decided_on_is_told(browser, inputs):
    inputs.report(picture(0), "", "p", "red", "somebody")
    digest = inputs.all()[0].digest

    answers = [accept(browser, each, [RED]) for each in ("0" * 64, "../x", digest, digest)]

    assert [answer.status_code for answer in answers] == [404, 404, 200, 422]
    assert inputs.all()[0].boxes == [RED]


@pytest.fixture
def chromium():
    browser = Browser(1200)
    yield browser
    browser.close()
    assert browser.log == []


@pytest.mark.service
@pytest.mark.skipif(not CHROMIUM, reason="There is no Chromium here.")
def test_a_wrong_box_is_reported_and_the_right_ones_are_drawn_in_a_browser(
    settings, package, inputs, chromium, tmp_path
):
    file = tmp_path / "spots.png"
    file.write_bytes(picture(0))
    server = Server(settings)
    try:
        chromium.open(server.page(f"/try/{package.ref.id}"))
        chromium.wait("document.readyState === 'complete' && document.querySelector('#drop')")
        chromium.choose("#file", file)
        chromium.wait("document.querySelector('.answer .wrong summary')")
        chromium.click(".answer .wrong summary")
        chromium.click(".wrong button")
        chromium.wait("document.querySelector('.wrong [role=status].good')")
        photograph(chromium, "boxes-reported")
        (reported,) = inputs.all()
        chromium.open(server.page("/models/spots/review"))
        chromium.wait("document.querySelector('[value=accept]:not([disabled])')")
        draw_and_accept(chromium)
        chromium.wait("document.querySelector('#revision')")
    finally:
        server.kill()

    (found,) = inputs.all()
    assert found.state == ACCEPTED
    assert found.boxes[: len(reported.answered)] == [
        ["blue", *box[1:]] for box in reported.answered
    ]
    (drawn,) = found.boxes[len(reported.answered) :]
    assert drawn[0] == "green ball"
    assert 0 <= drawn[1] < drawn[3] <= 128


def draw_and_accept(chromium):
    """Give the box that was answered another label, draw a new one under it, and accept both."""
    value = "document.querySelector('[name=boxes]').value"
    (answered,) = json.loads(chromium.value(value))
    left, top, scale = chromium.value(
        "(() => { const e = document.querySelector('.boxed canvas'); e.scrollIntoView();"
        "const r = e.getBoundingClientRect(), scale = Math.min(r.width / 128, r.height / 64);"
        "return [r.left + (r.width - 128 * scale) / 2, r.top + (r.height - 64 * scale) / 2, scale];"
        "})()"
    )

    def at(x, y):
        return left + x * scale, top + y * scale

    chromium.drag(at((answered[1] + answered[3]) / 2, (answered[2] + answered[4]) / 2))
    chromium.value(
        "(() => { const e = document.querySelector('.boxed select'); e.value = 'blue';"
        "e.dispatchEvent(new Event('change')); })()"
    )
    chromium.drag(at(100, 62))  # beside the box: it is chosen no more
    chromium.value(
        "(() => { const e = document.querySelector('[name=new_label]'); e.value = 'green ball';"
        "const sent = new KeyboardEvent('keydown', {key: 'Enter', cancelable: true});"
        "window.isSentByEnter = e.dispatchEvent(sent); })()"
    )
    assert chromium.value("window.isSentByEnter") is False  # it names a box, and accepts nothing
    chromium.drag(at(70, 40), at(90, 50), at(110, 60))
    chromium.wait(f"JSON.parse({value}).length === 2")
    photograph(chromium, "boxes-review")
    chromium.click("[value=accept]")


def photograph(chromium, name):
    """Photograph the page, wide and narrow, if somebody wants to look at it."""
    folder = os.environ.get("SCREENSHOTS", "")
    for width in (390, 1200) if folder else ():
        chromium.resize(width)
        chromium.wait("document.readyState === 'complete'")
        chromium.screenshot(Path(folder, f"{name}-{width}.png"), whole=True)
