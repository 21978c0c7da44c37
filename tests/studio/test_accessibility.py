"""axe-core finds nothing serious on any page of the studio, in both looks, wide and narrow, and all
that can be clicked can be reached by the Tab key.

axe-core is fetched by npm, by version and digest; it is no part of the product."""

import base64
import hashlib
import json
import shutil
import subprocess
import tarfile

import pytest

from stages.etl import source
from stages.evaluate.predictions import Predicted
from stages.opening import open_store
from stages.publish.collected import CollectedInputs
from stages.publish.publishing import publish
from stages.publish.use_policy import UsePolicy, set_policy
from tests import makers
from tests.runtime.conftest import DESCRIPTION, colour_network, whole
from tests.studio.browser import CHROMIUM, Browser
from tests.studio.conftest import saved_package, saved_run
from tests.studio.test_label_page import SHOWN, Server

VERSION = "4.14.1"
SHA512 = "FHfa+lmNjQZfJz1q8wKqIDwC6DExcHt/pkjNQb09a3NPjCKg2rhu5qb2S4r76ASyFNNtuFooJpZe37OgudVGtQ=="
RUN = (
    "axe.run(document, {resultTypes: ['violations'], iframes: false}).then(found =>"
    "JSON.stringify(found.violations.filter(each => ['serious', 'critical'].includes(each.impact))"
    ".map(each => [each.id, each.nodes.slice(0, 3).map(node => node.html.slice(0, 200))])))"
)
REACHABLE = "a[href], button:not([disabled]), input:not([type=hidden]), select, textarea, summary"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.service,
    pytest.mark.skipif(not CHROMIUM, reason="There is no Chromium here."),
    pytest.mark.skipif(not shutil.which("npm"), reason="There is no npm here."),
]


@pytest.fixture(scope="module")
def axe(tmp_path_factory) -> str:
    """The script of axe-core, whose archive has the digest that is written here."""
    folder = tmp_path_factory.mktemp("axe")
    command = ["npm", "pack", f"axe-core@{VERSION}", "--silent", "--ignore-scripts"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120)
    archive = folder / f"axe-core-{VERSION}.tgz"
    if done.returncode or not archive.is_file():
        pytest.skip(f"axe-core cannot be fetched: {done.stderr.strip()[-200:]}")
    assert base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode() == SHA512
    with tarfile.open(archive) as packed:
        script = packed.extractfile("package/axe.min.js")
        assert script is not None
        return script.read().decode()


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """A studio with data, a changed revision and two runs: its pages, and how to address one."""
    folder = tmp_path_factory.mktemp("studio")
    settings = makers.settings(folder).model_copy(update={"pipelines": folder / "pipelines"})
    shapes = makers.folder_of_pictures(folder / "shapes", 4)
    first = source.add("shapes", shapes, settings)
    next(shapes.rglob("*.png")).unlink()
    second = source.add("shapes", shapes, settings)
    store = open_store(settings)
    files = whole(DESCRIPTION, colour_network(), tmp_path_factory.mktemp("package"))
    package = saved_package("shapes", files, settings)
    digests = tuple(store.add(makers.picture(seed=seed)) for seed in range(32))
    for name, wrong in (("one", 4), ("two", 9)):
        scores = [[0.2, 0.8]] * wrong + [[0.9, 0.1]] * (32 - wrong)
        predicted = Predicted(("a", "b"), digests, digests, [0] * 32, scores)
        report = {"predictions.json": store.add(predicted.record())}
        saved_run(name, settings, package, "image_classification", report)
    changes = f"/data/shapes/changes/{first.revision[:8]}/{second.revision[:8]}"
    listed = ["/", "/bring", "/train", "/try", f"/try/{package.ref.id}", "/data/shapes", changes]
    listed += ["/runs/one", "/runs/one/look/report.html", "/runs/one/mistakes", "/compare"]
    listed += ["/compare?run=one&run=two", "/data/shapes/label", "/nothing"]
    listed += _live(settings, package)
    server = Server(settings)
    yield listed, lambda path: _with_token(server.address, path)
    server.kill()


def _live(settings, package):
    """Publish `package`, keep an input of its use; the pages about both."""
    settings.pipelines.mkdir()
    (settings.pipelines / "shapes.yaml").write_text(
        "name: shapes\ntask: image_classification\ndata: shapes\n"
    )
    publish("shapes", package.ref.id, settings)
    set_policy("shapes", UsePolicy(random=1.0, reports=True), settings)
    inputs = CollectedInputs("shapes", settings)
    inputs.report(makers.picture(seed=77), "red", package.ref.id, "blue", "somebody")
    (settings.pipelines / "spots.yaml").write_text(
        "name: spots\ntask: object_detection\ndata: shapes\n"
    )
    set_policy("spots", UsePolicy(reports=True), settings)
    boxes = [["red", 16, 16, 32, 32]]
    CollectedInputs("spots", settings).report(makers.picture(), "", "", "red", "somebody", boxes)
    return ["/models/shapes", "/models/shapes/review", "/models/spots/review"]


def _with_token(address: str, path: str) -> str:
    place, _, token = address.partition("/?")
    return f"{place}{path}{'&' if '?' in path else '?'}{token}"


@pytest.fixture(params=[(1280, False), (390, True)], ids=["wide and light", "narrow and dark"])
def browser(request):
    width, dark = request.param
    browser = Browser(width, 800, dark)
    yield browser
    browser.close()


def test_axe_finds_nothing_serious(pages, browser, axe):
    listed, address = pages
    found = {}
    for path in listed:
        _open(browser, address(path))
        browser.value(f"{axe}; 0")
        if problems := json.loads(browser.value(RUN)):
            found[path] = problems
    assert found == {}


def test_every_page_fits_and_what_can_be_clicked_is_reached_by_tab(pages, browser):
    listed, address = pages
    for path in listed:
        _open(browser, address(path))
        assert browser.value("document.documentElement.scrollWidth <= innerWidth"), path
        unreachable = browser.value(
            f"[...document.querySelectorAll('{REACHABLE}')].filter(each => each.tabIndex < 0)"
            ".map(each => each.outerHTML.slice(0, 120))"
        )
        assert unreachable == [], path


def test_the_first_tab_leads_to_the_content(pages, browser):
    _, address = pages
    _open(browser, address("/"))
    browser.key("Tab")

    assert browser.value("document.activeElement.className") == "skip"
    outline = "getComputedStyle(document.activeElement).outlineStyle"
    assert browser.value(outline) != "none"


def _open(browser: Browser, address: str) -> None:
    """Open a page, and wait for what its scripts load."""
    browser.open(address)
    browser.wait("document.readyState === 'complete' && location.href !== 'about:blank'")
    if "/label" in address:
        browser.wait(SHOWN)
    browser.wait("!document.querySelector('[data-load] > .card:only-child')")
