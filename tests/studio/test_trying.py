"""A package answers in a process of its own, which there is one of at most."""

import io
import json

import pytest
from PIL import Image, ImageDraw

from stages.deploy.remote.reports import DeviceReport, bring_home
from stages.opening import open_store
from stages.runner.publish import unpack_package
from stages.runtime.sealed import SEAL, seal
from stages.runtime.service_pool import Pool
from stages.runtime.verified import FILE as INSTRUCTION_SETS
from stages.studio.trying import PackageWorker
from tests.studio.conftest import saved_package, saved_run

PATIENCE = 30  # seconds


def red() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (24, 16), (250, 0, 0)).save(out, "PNG")
    return out.getvalue()


def spot() -> bytes:
    image = Image.new("RGB", (64, 64))
    ImageDraw.Draw(image).rectangle((16, 16, 31, 31), fill=(255, 0, 0))
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


@pytest.fixture
def packages(settings, package_files):
    saved = {name: saved_package(name, files, settings) for name, files in package_files.items()}
    saved_run("c", settings, saved["colours"], "image_classification")
    saved_run("s", settings, saved["spots"], "object_detection")
    return saved


def test_labels_and_boxes_are_answered_with_the_time_that_it_took(browser, packages):
    colours, spots = packages["colours"].ref.id, packages["spots"].ref.id

    labels = browser.post(f"/try/{colours}/answer", content=red())
    boxes = browser.post(f"/try/{spots}/answer", content=spot())

    assert labels.json()["labels"][0]["label"] == "red"
    assert [box["label"] for box in boxes.json()["boxes"]] == ["red"]
    assert labels.headers["server-timing"].startswith("answer;dur=")
    assert browser.client.app.state.package_worker is not None


def test_a_file_that_cannot_be_read_is_a_sentence_and_the_next_is_answered(browser, packages):
    address = f"/try/{packages['colours'].ref.id}/answer"

    assert "problem" in browser.post(address, content=b"no picture").json()
    assert browser.post(address, content=red()).json()["labels"][0]["label"] == "red"


def test_packages_are_listed_and_have_a_page(browser, packages):
    listed = browser.get("/try").text
    page = browser.get(f"/try/{packages['spots'].ref.id}").text

    assert listed.count('href="/try/') == 2
    assert "labels: red, blue" in page
    assert 'accept="image/*"' in page


def test_the_page_says_for_which_processors_the_package_was_verified(
    browser, package_files, settings
):
    plain = {"statement": "measured here", "basis": "289 photos", "sums": "exact"}
    second = {**plain, "statement": "measured under emulation", "numeric": "float16"}
    sets = {"instruction_sets": {"x86-64-vnni": plain, "arm64": second}, "others": plain}
    files = {**package_files["colours"], INSTRUCTION_SETS: json.dumps(sets).encode()}
    del files[SEAL]
    package = saved_package("colours", {**files, SEAL: seal(files)}, settings)
    saved_run("c", settings, package, "image_classification")

    page = browser.get(f"/try/{package.ref.id}").text

    assert ">x86-64-vnni</th>" in page
    assert ">float32</td>" in page
    assert ">float16</td>" in page


@pytest.mark.parametrize("id", ["0" * 64, "x", "..%2f..", "A" * 64])
def test_a_package_that_there_is_not_is_told(browser, id):
    assert browser.get(f"/try/{id}").status_code == 404


def test_another_package_ends_the_first_ones_process(browser, packages, settings):
    worker = browser.client.app.state.package_worker
    browser.post(f"/try/{packages['colours'].ref.id}/answer", content=red())
    first: Pool = worker._pool
    (pid,) = first.pids()

    browser.post(f"/try/{packages['spots'].ref.id}/answer", content=spot())

    assert first.pids() == []
    assert worker._pool.pids() != [pid]


def test_the_process_ends_when_nobody_asks(packages, settings):
    package, store = packages["colours"], open_store(settings)
    worker = PackageWorker()
    pool = worker.pool(package.ref.id, lambda: unpack_package(package, store, settings))
    pool.start()
    assert len(pool.pids()) == 1

    worker._idle = 0.05
    worker.pool(package.ref.id, pytest.fail)  # the same package: the process stays for a while
    worker._timer.join(PATIENCE)

    assert pool.pids() == []
    assert worker._pool is None


def test_what_devices_reported_stands_on_the_page_as_text(browser, packages, settings):
    store = open_store(settings)
    package = packages["colours"]
    report = {
        "report": 1,
        "package": package.files[SEAL],
        "name": "colours",
        "machine": "aarch64",
        "system": "Linux",
        "processor": "<script>alert(1)</script>",
        "libraries": {"numpy": "2.0"},
        "verdict": "failed",
        "selftest": {
            **{"instruction_set": "arm64", "numeric": "float32", "verified": False},
            **{"samples": 9, "agreeing": 7, "near": 4, "near_agreeing": 2},
            **{"labels": 3, "of_labels": 3, "furthest": 0.25, "tolerance": 0.001},
            **{"median_ms": 12.5, "p95_ms": 20.0},
        },
    }
    before = browser.get(f"/try/{package.ref.id}").text
    bring_home(DeviceReport.model_validate(report), "drone", "2026-11-30", store)

    page = browser.get(f"/try/{package.ref.id}").text

    assert "drone" not in before
    assert "7 of 9 (45 to 94 %)" in page
    assert "2 of 4" in page
    assert "failed" in page
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page
