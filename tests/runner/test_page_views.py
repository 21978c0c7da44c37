"""A run's pages name its pipeline and date and link to each other; artifacts know none of this."""

import re

import pytest

from stages.artifacts import Dataset, Package, Report
from stages.runner.lock import Lock
from stages.runner.page_views import views_of, with_run
from stages.runner.report_view import BEGIN, END, show_pages
from stages.runner.watch import LogWatch
from tests import makers
from tests.runner.test_shipped import package, report

FRAME = "<title>x</title><!-- run --><!-- end of run --><p>{}</p>"
REPORT = FRAME.format(f"{BEGIN}none yet{END} the trained model")


@pytest.fixture
def store(tmp_path):
    return makers.store(tmp_path)


def saved(store, artifact: Dataset | Report | Package, **files: str):
    """The reference of `artifact` with these pages."""
    digests = {f"{name}.html": store.add(page.encode()) for name, page in files.items()}
    return store.save(artifact.model_copy(update={"files": {**artifact.files, **digests}}))


def lock(store, *targets: str, began: str = "2026-11-03T09:05:00+00:00") -> Lock:
    """The lock of a run that asks for two packages and has made those for `targets`."""
    artifacts = {"etl": saved(store, makers.dataset(store, 2), page=FRAME.format("the data"))}
    artifacts["evaluate"] = saved(store, report(), report=REPORT)
    artifacts |= {
        f"deploy_{target}": saved(store, package(target, 0.8), report=FRAME.format(target))
        for target in targets
    }
    config = {
        "task": "image_classification",
        "train": {},
        "deploy": {"targets": ["cloud_api", "device_sdk"]},
    }
    facts = {"run": "cells-1", "pipeline": "cells", "data": {}, "seeds": {}, "requirements": ""}
    return Lock(**facts, began=began, config=config, machine={}, artifacts=artifacts)


def shown(run: Lock, store, settings) -> dict[str, str]:
    """The pages in the run's folder, by file."""
    store.note(f"runs/{run.run}", run.model_dump(mode="json"))
    show_pages(run.run, store, settings, LogWatch(), worked=False)
    folder = settings.root / "runs" / run.run
    return {path.name: path.read_text("utf-8") for path in folder.glob("*.html")}


@pytest.mark.parametrize("targets", [(), ("device_sdk",), ("cloud_api", "device_sdk")])
def test_each_page_names_pipeline_and_date_and_links_to_those_that_are_there(
    store, tmp_path, targets
):
    pages = shown(lock(store, *targets), store, makers.settings(tmp_path))

    assert set(pages) == {"data.html", "report.html", *(f"package_{name}.html" for name in targets)}
    for name, page in pages.items():
        assert '<b translate="no">cells</b>' in page
        assert "3 November 2026, 09:05 UTC" in page
        assert {*re.findall(r'href="([^"]+)"', page)} == set(pages) - {name} | {f"zh/{name}"}
        assert page.count('aria-current="page"') == 1


def test_each_page_is_there_in_chinese_and_both_lead_to_each_other(store, tmp_path):
    pages = shown(lock(store, "device_sdk"), store, makers.settings(tmp_path))
    folder = makers.settings(tmp_path).root / "runs" / "cells-1" / "zh"

    chinese = {path.name: path.read_text("utf-8") for path in folder.glob("*.html")}

    assert set(chinese) == set(pages)
    for name, page in chinese.items():
        assert '<b translate="no">cells</b>' in page
        assert "2026 年 11 月 3 日 09:05 UTC" in page
        assert {*re.findall(r'href="([^"]+)"', page)} == set(pages) - {name} | {f"../{name}"}
    assert "已生成 2 个部署包中的 1 个" in chinese["report.html"]


def test_the_report_of_a_run_has_its_packages_and_its_links(store, tmp_path):
    page = shown(lock(store, "device_sdk"), store, makers.settings(tmp_path))["report.html"]

    assert "1 of 2 packages were made" in page
    assert 'href="package_device_sdk.html"' in page


def test_an_artifact_s_own_page_stays_as_it_is(store, tmp_path):
    run = lock(store, "device_sdk")
    before = {task: store.load(ref).files for task, ref in run.artifacts.items()}

    shown(run, store, makers.settings(tmp_path))

    assert {task: store.load(ref).files for task, ref in run.artifacts.items()} == before
    assert b"cells-1" not in store.get(before["evaluate"]["report.html"])


def test_equal_runs_on_two_days_have_equal_artifacts(store):
    first, second = lock(store), lock(store, began="2027-01-01T00:00:00+00:00")

    assert first.artifacts == second.artifacts
    pages = [with_run(views_of(run, store)[0].page, run) for run in (first, second)]
    assert pages[0] != pages[1]


def test_mlflow_s_copy_has_the_date_and_no_links_that_lead_nowhere(store, tmp_path):
    run = lock(store, "cloud_api")

    page = with_run(REPORT, run)

    assert "3 November 2026" in page
    assert "href" not in page


def test_a_lock_of_an_older_version_has_no_date(store):
    run = lock(store, began="")

    assert '<b translate="no">cells</b><span>run ' in with_run(FRAME, run)


def test_a_name_cannot_become_markup(store):
    run = lock(store).model_copy(update={"run": "<script>"})

    assert "<script>" not in with_run(FRAME, run)
