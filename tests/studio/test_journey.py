"""From a zip to a package that answers, by a browser alone."""

import pytest

from stages.etl import source
from tests import makers
from tests.studio.browser import CHROMIUM, Browser
from tests.studio.server import Server

pytestmark = pytest.mark.skipif(not CHROMIUM, reason="There is no Chromium here.")
EACH, WRONG = 24, 10
SHOWN = "performance.getEntriesByName('next sample').length"
SAVED = "document.getElementById('label').dataset.unsaved === '0'"
PLANNED = 300.0  # seconds within which there is a plan, also on a busy machine
TRAINED = 1200.0  # seconds within which a run of the least budget ends, also on a busy machine


@pytest.fixture
def shapes(tmp_path):
    """A zip with class folders; WRONG squares are among the circles."""
    files = {
        f"{label}/{index:02}.png": makers.picture(label, index)
        for label in makers.LABELS
        for index in range(EACH)
    }
    files |= {f"circle/wrong_{i}.png": makers.picture("square", 100 + i) for i in range(WRONG)}
    return makers.zipped(tmp_path / "My Shapes.zip", files)


@pytest.fixture
def server(tmp_path):
    settings = makers.settings(tmp_path).model_copy(update={"pipelines": tmp_path / "pipelines"})
    server = Server(settings)
    yield server
    server.kill()


@pytest.fixture
def browser():
    browser = Browser()
    yield browser
    browser.close()
    assert browser.log == []


def brought_and_mended(server, browser, shapes):
    """Bring the zip, give the wrong pictures their labels, save."""
    browser.open(server.page("/"))
    browser.follow("nav a[href='/bring']", "/bring")
    browser.drop("#drop", shapes)
    browser.arrive("/bring/")
    assert browser.value("document.getElementById('name').value") == "my_shapes"
    browser.follow("form[action$=keep] button", "/data/my_shapes")
    browser.follow("main a[href$='/label']", "/data/my_shapes/label")
    browser.wait(SHOWN)
    browser.click("#find")
    for letter in "wrong":
        browser.key(letter)
    browser.wait(f"document.getElementById('place').textContent.includes('{WRONG}')")
    browser.value("document.activeElement.blur()")
    for _ in range(WRONG):
        browser.key("2")
    browser.wait(SAVED)
    browser.click("#save_button")
    browser.wait("document.querySelector('#saved a')")


def planned(browser):
    """Fill in the form of a pipeline, and wait for its plan."""
    browser.follow("#saved a", "/train")
    browser.click("#task-image_classification")
    browser.value("document.getElementById('minutes').value = '1'")
    browser.value("document.getElementById('name').value = 'my_shapes'")
    browser.follow("main form button", "/pipelines/my_shapes")
    browser.wait("document.querySelector('[data-load] table, [data-load] .problem')", PLANNED)
    assert not browser.value("document.querySelector('[data-load] .problem')?.textContent")


def test_a_zip_is_dropped_mended_and_planned(server, browser, shapes):
    brought_and_mended(server, browser, shapes)
    planned(browser)

    revisions = source.revisions("my_shapes", server.settings)
    summaries = ["; ".join(revision.summary) for revision in revisions]
    assert [revision.samples for revision in revisions] == [3 * EACH + WRONG] * 2
    assert f"circle {EACH + WRONG}, square {EACH}" in summaries[0]
    assert f"circle {EACH}, square {EACH + WRONG}" in summaries[1]


@pytest.mark.slow
@pytest.mark.service
def test_a_zip_becomes_a_package_that_answers(server, browser, shapes, tmp_path):
    picture = tmp_path / "new.png"
    picture.write_bytes(makers.picture("triangle", 500))

    brought_and_mended(server, browser, shapes)
    planned(browser)
    browser.follow("[data-load] form button", "/runs/")
    report = "a[href$='/look/report.html']"
    browser.wait(f"document.querySelector({report!r})", TRAINED)
    browser.follow(report, "/runs/")
    browser.wait("document.querySelector('iframe')?.contentDocument?.querySelector('h1')")
    browser.follow("nav a[href='/try']", "/try")
    browser.follow("main a[href^='/try/']", "/try/")
    browser.choose("#file", picture)
    browser.wait("document.querySelector('.answer .scores')")

    answer = browser.value("document.querySelector('.answer .figure').textContent")
    assert answer.split()[0] in makers.LABELS
