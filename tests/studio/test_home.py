"""The first page says what there is, and what the next step is where there is nothing."""

import subprocess
import sys

from stages.artifacts import Measure
from stages.etl import source
from stages.opening import open_store
from stages.runner.lock import Failure, keep
from tests import makers
from tests.studio.conftest import saved_package, saved_run

HEAVY = {"paddle", "ray", "mlflow", "great_expectations", "dvc", "cv2", "onnxruntime", "pandas"}
SERVING = "import sys, stages.studio.app; print(*{name.partition('.')[0] for name in sys.modules})"


def test_an_empty_workspace_says_the_next_step(browser):
    page = browser.get("/").text

    for text in ("No data set yet. Bring a zip", "No pipeline yet", "No run yet", "No package yet"):
        assert text in page
    assert 'href="/bring"' in page


def test_what_there_is_is_listed_with_verdict_and_interval(browser, settings, package_files):
    source.add("shapes", makers.folder_of_pictures(settings.root.parent / "p", each=3), settings)
    settings.pipelines.mkdir()
    (settings.pipelines / "shapes.yaml").write_text(makers.QUICK)
    (settings.pipelines / "broken.yaml").write_text("name: [")
    package = saved_package("shapes", package_files["colours"], settings)
    saved_run("shapes-20261130-070000-000", settings, package, "image_classification")

    page = browser.get("/").text

    assert "9 samples" in page
    assert "Classify pictures" in page
    assert "this is not YAML that can be read" in page
    assert "accuracy 90 % (80 to 95 %, n = 60)" in page
    assert f'href="/try/{package.ref.id}"' in page


def test_the_figure_is_that_of_the_package_which_ships(browser, settings, package_files):
    shipped = Measure(value=0.81, low=0.7, high=0.9, n=60)
    package = saved_package("shapes", package_files["colours"], settings, shipped)
    saved_run("fine", settings, package, "image_classification")

    home, run = browser.get("/").text, browser.get("/runs/fine").text

    assert home.count("accuracy 81 % (70 to 90 %, n = 60)") == 2  # of the run and of the package
    assert "accuracy 90 %" not in home
    assert "cloud_api, float32" in home
    assert "What ships: cloud_api, float32" in run
    assert "Trained model: accuracy 90 % (80 to 95 %, n = 60)." in run


def test_a_refused_package_is_the_runs_verdict(browser, settings, package_files):
    package = saved_package("shapes", package_files["colours"], settings)
    lock = saved_run("fine", settings, package, "image_classification")
    failure = Failure(error="GateNotMet", problem="Recall is too low.")
    artifacts = {task: ref for task, ref in lock.artifacts.items() if task != "deploy_cloud_api"}
    refused = {"artifacts": artifacts, "failed": {"deploy_cloud_api": failure}}
    keep(lock.model_copy(update=refused), open_store(settings), settings)

    home = browser.get("/").text

    assert "no package: refused" in home
    assert "trained model, no package" in home


def test_earlier_packages_of_a_pipeline_are_behind_the_newest(browser, settings, package_files):
    for number, name in enumerate(("colours", "spots")):
        package = saved_package("shapes", package_files[name], settings)
        lock = saved_run(f"run-{number}", settings, package, "image_classification")
        began = f"2026-11-30T0{number}:00:00+00:00"
        keep(lock.model_copy(update={"began": began}), open_store(settings), settings)

    newest, _, earlier = browser.get("/").text.partition("Earlier packages: 1")

    assert f'href="/try/{package.ref.id}"' in newest
    assert newest.count('href="/try/') == earlier.count('href="/try/') == 1


def test_a_run_whose_lock_cannot_be_read_does_not_hide_the_others(browser, settings, package_files):
    package = saved_package("shapes", package_files["colours"], settings)
    saved_run("fine", settings, package, "image_classification")
    open_store(settings).note("runs/broken", {"run": "broken"})

    page = browser.get("/").text

    assert "written by another version" in page
    assert 'href="/runs/fine"' in page
    assert browser.get("/runs/broken").status_code == 200


def test_a_data_set_shows_what_was_understood(browser, settings):
    folder = makers.folder_of_pictures(settings.root.parent / "p", each=3)
    revision = source.add("shapes", folder, settings, "a <b>first</b> try")

    page = browser.get("/data/shapes").text

    assert revision.revision[:8] in page
    assert "labels: 3, by samples: circle 3, square 3, triangle 3" in page
    assert "a &lt;b&gt;first&lt;/b&gt; try" in page
    assert browser.get("/data/nothing").status_code == 404


def test_the_language_is_the_browsers_until_one_is_chosen(browser):
    assert "还没有数据集" in browser.get("/", headers={"accept-language": "zh-CN,zh;q=0.9"}).text
    browser.post("/language", {"language": "en", "back": "/"})
    assert "No data set yet" in browser.get("/", headers={"accept-language": "zh-CN"}).text


def test_the_server_imports_nothing_heavy():
    shown = subprocess.run(
        [sys.executable, "-c", SERVING], capture_output=True, text=True, check=True
    )

    assert not set(shown.stdout.split()) & HEAVY
