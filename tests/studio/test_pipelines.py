"""The form writes a pipeline that the command reads; its plan and its run are the command's."""

import html
import os
import re
import signal
import time

import psutil
import pytest

from stages.config import read_pipeline
from stages.etl import source
from stages.runner.lock import run_folder
from stages.runtime.files import write
from stages.studio import run_process
from stages.studio.app import studio
from tests import makers
from tests.studio.conftest import ACCESS, ADDRESS, TestClient, saved_package, saved_run

FORM = {"name": "shapes", "data": "shapes", "task": "image_classification"}
PATIENCE = 60  # seconds for a process that imports a lot on a busy machine


@pytest.fixture
def shapes(settings):
    folder = makers.folder_of_pictures(settings.root.parent / "p", each=4)
    return source.add("shapes", folder, settings)


def ended(run: str, settings) -> run_process.RunProcess:
    process = run_process.find(run, settings)
    assert process is not None
    end = time.monotonic() + PATIENCE
    while process.is_running and time.monotonic() < end:
        time.sleep(0.1)
    assert not process.is_running
    return process


def test_the_form_keeps_a_yaml_with_what_differs(browser, settings, shapes):
    form = {**FORM, "minutes": "2,5", "metric": "accuracy", "least": "90", "least_recall": "75 %"}

    created = browser.post("/train", form)

    assert str(created.url).endswith("/pipelines/shapes")
    assert "budget_minutes: 2.5" in created.text
    pipeline = read_pipeline(settings.pipelines / "shapes.yaml")
    assert pipeline.train.budget_minutes == 2.5
    assert pipeline.train.metric == "accuracy"
    assert pipeline.evaluate.gate == {"accuracy": 0.9, "recall of every label": 0.75}


def test_what_is_left_empty_stays_a_default(browser, settings, shapes):
    browser.post("/train", FORM)

    text = (settings.pipelines / "shapes.yaml").read_text()
    assert text == "name: shapes\ntask: image_classification\ndata: shapes\n"


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"minutes": "soon"}, "'soon' is no number"),
        ({"minutes": "nan"}, "finite number"),
        ({"least": "120"}, "120 is no share"),
        ({"name": "../x"}, "is not a name"),
        ({"data": "another"}, "There is no data called"),
        ({"task": "another"}, "No task is called"),
    ],
)
def test_what_cannot_be_is_told_beside_the_form_and_nothing_is_kept(
    browser, settings, shapes, changes, problem
):
    refused = browser.post("/train", {**FORM, **changes})

    assert refused.status_code == 422
    assert problem in refused.text.replace("&#39;", "'")
    assert 'name="minutes"' in refused.text
    assert not settings.pipelines.exists()


def test_a_pipeline_is_never_overwritten(browser, settings, shapes):
    browser.post("/train", FORM)

    refused = browser.post("/train", {**FORM, "minutes": "3"})

    assert "There is a pipeline called" in refused.text
    assert "minutes" not in (settings.pipelines / "shapes.yaml").read_text()


def version_of(page) -> str:
    return re.search(r'name="version" value="(\w+)"', page.text).group(1)


def test_the_yaml_is_changed_on_its_page_with_its_comments(browser, settings, shapes):
    browser.post("/train", FORM)
    page = browser.get("/pipelines/shapes")
    text = (
        "# mine\r\nname: shapes\r\ntask: image_classification\r\ndata: shapes\r\ntrain: {seed: 3}"
    )

    changed = browser.post("/pipelines/shapes/change", {"text": text, "version": version_of(page)})

    assert str(changed.url).endswith("/pipelines/shapes")
    assert "train: {seed: 3}" in changed.text
    path = settings.pipelines / "shapes.yaml"
    assert path.read_bytes() == text.replace("\r\n", "\n").encode() + b"\n"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("name: shapes\ntask: image_classification\ndata: another", "There is no data called"),
        ("name: other\ntask: image_classification\ndata: shapes", "The name is 'other' now"),
        ("name: shapes\ntrain: [", "not YAML that can be read"),
        ("<script>", "is a single value"),
        ("", "empty"),
    ],
)
def test_a_change_that_cannot_be_is_told_beside_its_text(browser, settings, shapes, text, problem):
    browser.post("/train", FORM)
    before = (settings.pipelines / "shapes.yaml").read_bytes()
    version = version_of(browser.get("/pipelines/shapes"))

    refused = browser.post("/pipelines/shapes/change", {"text": text, "version": version})

    assert refused.status_code == 422
    assert problem in html.unescape(refused.text)
    assert html.escape(text, quote=False) in refused.text
    assert (settings.pipelines / "shapes.yaml").read_bytes() == before


def test_two_changes_of_one_page_do_not_overwrite_silently(browser, settings, shapes):
    browser.post("/train", FORM)
    version = version_of(browser.get("/pipelines/shapes"))
    text = (settings.pipelines / "shapes.yaml").read_text()
    first = {"text": text + "train: {seed: 1}", "version": version}
    second = {"text": text + "train: {seed: 2}", "version": version}

    browser.post("/pipelines/shapes/change", first)
    refused = browser.post("/pipelines/shapes/change", second)

    assert "was changed since this page was loaded" in refused.text
    assert "seed: 2" in refused.text
    assert "seed: 1" in (settings.pipelines / "shapes.yaml").read_text()


def test_the_plan_says_minutes_memory_and_what_is_done(browser, settings, shapes):
    browser.post("/train", FORM)

    plan = browser.get("/pipelines/shapes/plan").text

    assert "This fits this machine." in plan
    assert "it was never done" in plan
    assert 'action="/pipelines/shapes/train"' in plan


def test_a_plan_that_cannot_be_has_no_button(browser, settings, shapes):
    settings.pipelines.mkdir()
    text = makers.QUICK.replace("data: shapes", "data: another")
    (settings.pipelines / "shapes.yaml").write_text(text)

    plan = browser.get("/pipelines/shapes/plan").text

    assert "There is no data called" in plan
    assert "<button" not in plan


@pytest.mark.parametrize("name", ["nothing", "..%2f..%2fx", ".hidden"])
def test_a_pipeline_that_there_is_not_is_told(browser, name):
    assert browser.get(f"/pipelines/{name}").status_code == 404


def test_a_run_is_found_by_its_process_shown_and_cancelled(browser, settings, shapes):
    settings.pipelines.mkdir()
    (settings.pipelines / "shapes.yaml").write_text(makers.QUICK)

    started = browser.post("/pipelines/shapes/train")
    again = browser.post("/pipelines/shapes/train")
    run = str(started.url).rpartition("/")[2]

    assert str(again.url) == str(started.url)  # the one in progress
    assert "running" in started.text
    assert f'action="/runs/{run}/cancel"' in browser.get(f"/runs/{run}/progress").text
    _wait_for_log(run, settings)
    assert "running" in restarted(settings).get(f"/runs/{run}").text
    browser.post(f"/runs/{run}/cancel")
    ended(run, settings)

    page = browser.get(f"/runs/{run}").text
    assert "Stopped." in page
    assert f'action="/runs/{run}/resume"' in page
    assert "running" not in browser.get("/").text.partition('id="runs"')[2]


def restarted(settings) -> TestClient:
    """A browser of another studio in the same workspace, as after a restart."""
    client = TestClient(studio(settings, ACCESS), base_url=ADDRESS)
    client.get(f"/?token={ACCESS.token}")
    return client


def _wait_for_log(run: str, settings) -> None:
    """Wait until the command works: a signal before that ends it without a word."""
    end = time.monotonic() + PATIENCE
    while "etl: working" not in run_process.log_of(run, settings) and time.monotonic() < end:
        time.sleep(0.1)


def test_a_run_that_fails_says_why(browser, settings):
    settings.pipelines.mkdir()
    (settings.pipelines / "shapes.yaml").write_text(makers.QUICK)

    started = browser.post("/pipelines/shapes/train")
    run = str(started.url).rpartition("/")[2]
    ended(run, settings)

    page = browser.get(f"/runs/{run}").text.replace("&#39;", "'")
    assert "ended before it began" in page
    assert "There is no data called 'shapes'" in page


def test_another_process_that_has_the_same_id_is_not_the_run_and_is_not_stopped(settings):
    own = psutil.Process()
    other = run_process.RunProcess("x", os.getpid(), own.create_time() - 60, "p.yaml", "")
    signals: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, _: signals.append(number))

    try:
        other.stop()
        os.kill(os.getpid(), 0)  # a signal that was sent has come by now
    finally:
        signal.signal(signal.SIGTERM, before)

    assert not other.is_running
    assert signals == []


def test_the_pages_of_a_run_are_shown_without_scripts(browser, settings, package_files):
    package = saved_package("colours", package_files["colours"], settings)
    saved_run("one", settings, package, "image_classification")

    page = browser.get("/runs/one").text
    framed = browser.get("/runs/one/look/report.html").text
    report = browser.get("/runs/one/pages/report.html")

    assert 'href="/runs/one/look/data.html"' in page
    assert "accuracy reaches the gate." in page
    assert 'src="/runs/one/pages/report.html"' in framed
    assert 'href="/runs/one/look/package_cloud_api.html"' in framed
    policy = report.headers["content-security-policy"]
    assert policy.startswith("sandbox allow-same-origin; default-src 'none'")
    assert "script" not in policy


def test_the_pages_of_a_run_are_framed_in_the_reader_s_language(browser, settings, package_files):
    package = saved_package("colours", package_files["colours"], settings)
    saved_run("one", settings, package, "image_classification")
    folder = run_folder("one", settings)
    write(folder / "report.html", '<html lang="en"><p>Report</p>')
    write(folder / "zh" / "data.html", "<p>as it was written</p>")

    framed = browser.get("/runs/one/look/report.html", headers={"accept-language": "zh-CN"}).text
    report, data = (browser.get(f"/runs/one/pages/zh/{name}.html") for name in ("report", "data"))

    assert 'src="/runs/one/pages/zh/report.html"' in framed
    assert report.text == '<html lang="zh"><p>报告</p>'  # of a run of an older version
    assert data.text == "<p>as it was written</p>"
    assert "sandbox" in report.headers["content-security-policy"]
    assert browser.get("/runs/one/pages/xx/report.html").status_code == 404
    assert browser.get("/runs/one/pages/zh/run.lock.json").status_code == 404


@pytest.mark.parametrize(
    "address", ["/runs/one/pages/run.lock.json", "/runs/one/pages/..%2frun.lock.json", "/runs/.."]
)
def test_no_other_file_of_a_run_is_served(browser, settings, package_files, address):
    package = saved_package("colours", package_files["colours"], settings)
    saved_run("one", settings, package, "image_classification")

    assert browser.get(address).status_code in (404, 200)
    assert "requirements" not in browser.get(address).text
