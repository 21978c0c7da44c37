"""Label and review in a real browser, on a real server that is killed in between."""

import time

import pytest

from stages.etl import source
from stages.studio.drafts import Drafts
from stages.studio.sample_filter import Filter
from tests import layouts, makers
from tests.studio.browser import CHROMIUM, Browser
from tests.studio.server import Server

pytestmark = [
    pytest.mark.service,
    pytest.mark.skipif(not CHROMIUM, reason="There is no Chromium here."),
]
UNSAVED = "document.getElementById('label').dataset.unsaved"
SHOWN = "performance.getEntriesByName('next sample').length"


@pytest.fixture
def server(tmp_path):
    settings = makers.settings(tmp_path)
    makers.folder_of_pictures(tmp_path / "shapes", 20)
    source.add("shapes", tmp_path / "shapes", settings)
    source.add("boxed", layouts.coco(tmp_path / "boxed"), settings)
    server = Server(settings)
    yield server
    server.kill()


@pytest.fixture
def browser():
    browser = Browser()
    yield browser
    browser.close()
    assert [line for line in browser.log if '"source": "network"' not in line] == []


def await_saved(browser):
    browser.wait(f"{UNSAVED} === '0'")


def test_keys_label_and_undo(server, browser):
    browser.open(server.page("/data/shapes/label"))
    browser.wait(SHOWN)
    for key in "3213":
        browser.key(key)
    await_saved(browser)
    browser.key("z")
    await_saved(browser)

    draft = Drafts(server.settings).of("shapes")
    labels = [sample["label"] for sample in draft.page(Filter())[:5]]
    assert labels == ["triangle", "square", "circle", "circle", "circle"]
    assert [sample["reviewed"] for sample in draft.page(Filter())[:4]] == [True] * 3 + [False]


def test_a_rubber_band_chooses_and_a_key_labels_all(server, browser):
    browser.open(server.page("/data/shapes/label"))
    browser.wait(SHOWN)
    browser.key("g")
    browser.wait("document.querySelectorAll('.tile').length === 60")
    (x, y), (x2, y2) = (browser.middle(f".tile:nth-child({place})") for place in (1, 3))
    browser.drag((x - 20, y - 20), (x, y), (x2, y2))
    browser.key("3")
    await_saved(browser)

    draft = Drafts(server.settings).of("shapes")
    labels = [sample["label"] for sample in draft.page(Filter())[:4]]
    assert labels == ["triangle"] * 3 + ["circle"]


def test_boxes_are_drawn_moved_copied_relabelled_and_deleted(server, browser):
    browser.open(server.page("/data/boxed/label"))
    browser.wait(SHOWN)
    draft = Drafts(server.settings).of("boxed")
    x, y = browser.middle("#canvas")

    def boxes():
        await_saved(browser)
        draft.sync()
        return draft.page(Filter())[0]["boxes"]

    before = boxes()
    browser.drag((x + 60, y - 150), (x + 100, y - 100), (x + 160, y - 50))
    (drawn,) = [box for box in boxes() if box not in before]
    assert drawn[0] == "cat"
    browser.drag((x + 110, y - 100), (x + 120, y - 80), (x + 140, y - 60))
    moved = boxes()[2]
    assert moved[1] > drawn[1]
    assert moved[3] - moved[1] == pytest.approx(drawn[3] - drawn[1], abs=0.2)
    browser.key("2")
    assert boxes()[2] == ["dog", *moved[1:]]
    browser.key("c")
    assert len(boxes()) == 4
    browser.key("Delete")
    browser.key("z")
    assert len(boxes()) == 4
    browser.key("y")
    assert len(boxes()) == 3


def test_a_killed_server_loses_nothing_that_the_page_shows_as_kept(server, browser):
    browser.open(server.page("/data/shapes/label"))
    browser.wait(SHOWN)
    for number in range(30):
        if number in (7, 19):
            server.kill()
        browser.key("123"[number % 3])
        if number in (9, 22):
            server.start()
        time.sleep(0.05)
    await_saved(browser)

    draft = Drafts(server.settings).of("shapes")
    labels = [sample["label"] for sample in draft.page(Filter())[:30]]
    assert labels == [makers.LABELS[number % 3] for number in range(30)]
    assert draft.journal.number == 31  # the first entry names the revision: none came twice


def test_what_a_closed_page_could_not_send_is_sent_by_the_next(server, browser):
    browser.open(server.page("/data/shapes/label"))
    browser.wait(SHOWN)
    server.kill()
    browser.key("3")
    browser.wait(f"{UNSAVED} === '1'")
    browser.call("Page.navigate", url="about:blank")
    server.start()
    browser.open(server.page("/data/shapes/label"))
    browser.wait(f"{SHOWN} && {UNSAVED} === '0'")

    draft = Drafts(server.settings).of("shapes")
    assert draft.page(Filter())[0]["label"] == "triangle"
