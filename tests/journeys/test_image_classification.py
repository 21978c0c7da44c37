"""From a folder of pictures to a package that answers, through the real four stages."""

import re
from itertools import product
from pathlib import Path

import pytest

from stages.artifacts import Ref
from stages.cli.outcome import print_outcome
from stages.config import PipelineConfig, parse_pipeline
from stages.etl import source
from stages.evaluate import formatting
from stages.opening import open_store
from stages.parts import TARGETS
from stages.runner import LogWatch, plan, run_pipeline
from stages.runner.lock import load_lock, read_lock
from stages.runner.publish import package_folder
from stages.runner.reproduce import reproduce
from stages.runtime.errors import AgreementNotMet
from stages.runtime.predictor import Predictor
from stages.settings import Settings
from stages.tracking import links
from stages.tracking.server import connect
from tests import makers

YAML = """
name: shapes
task: image_classification
data: shapes
etl: {splits: {train: 0.6, validation: 0.2, test: 0.2}}
train: {families: [efficientnet_lite0], input_sizes: [64], trials: 4, epochs: 20}
evaluate: {gate: {accuracy: 0.4}}
deploy: {max_drop: 0.1, targets: [device_sdk]}
"""


@pytest.fixture(scope="module")
def settings(tmp_path_factory) -> Settings:
    folder = tmp_path_factory.mktemp("journey with space")
    settings = makers.settings(folder)
    source.add("shapes", makers.folder_of_pictures(folder / "pictures", each=24), settings)
    return settings


@pytest.fixture(scope="module")
def artifacts(settings) -> dict[str, Ref]:
    return run_pipeline(pipeline(), run="first", settings=settings)


def pipeline(*changes: str) -> PipelineConfig:
    return parse_pipeline(YAML, changes=changes)


def actions(settings: Settings, *changes: str) -> dict[str, str]:
    return {stage_plan.task: stage_plan.action for stage_plan in plan(pipeline(*changes), settings)}


def test_every_stage_makes_its_artifact(artifacts):
    assert {task: ref.kind for task, ref in artifacts.items()} == {
        "etl": "dataset",
        "train": "model",
        "evaluate": "report",
        "deploy_device_sdk": "package",
    }


def test_the_package_answers(artifacts, settings):
    store = open_store(settings)
    folder = package_folder(store.load(artifacts["deploy_device_sdk"]), settings)

    answer = Predictor.open(folder).predict(makers.picture("square", 999))

    assert answer["labels"][0]["label"] in makers.LABELS


def test_the_run_is_locked(artifacts, settings):
    lock = load_lock("first", open_store(settings))

    assert lock is not None
    assert lock.artifacts == artifacts
    assert lock.data["revision"].endswith(".dir")
    assert lock.config["train"]["trials"] == 4
    assert lock.weights
    folder = settings.root / "runs" / "first"
    pages = {"data.html", "trials.html", "report.html", "package_device_sdk.html"}
    assert {path.name for path in folder.iterdir()} == {"run.lock.json", "zh", *pages}
    for name, (place, other) in product(pages, (("", "zh/"), ("zh", "../"))):
        page = (folder / place / name).read_text("utf-8")
        assert {*re.findall(r'<a href="([^"]+)"', page)} == {other + name, *pages} - {name}
        assert re.search(r"<b[^>]*>shapes</b>", page)


def test_a_second_run_reuses_everything(artifacts, settings):
    assert set(actions(settings).values()) == {"reuse"}
    assert run_pipeline(pipeline(), run="second", settings=settings) == artifacts


def report_page(settings, run: str) -> str:
    return (settings.root / "runs" / run / "report.html").read_text("utf-8")


def test_the_report_says_first_what_the_package_measured_and_stays_the_same_artifact(
    artifacts, settings
):
    store = open_store(settings)
    report, package = store.load(artifacts["evaluate"]), store.load(artifacts["deploy_device_sdk"])

    page = report_page(settings, "first")

    accuracy = formatting.counted_measure(package.overall["accuracy"])
    assert page.index(f"accuracy {accuracy}") < page.index("Trained model: ")
    assert "No package had been made" in store.get(report.files["report.html"]).decode()
    run = links.page_of(settings.root, "report", report.ref.id).run
    copy = connect(settings).download_artifacts(run, "report.html")
    text = Path(copy).read_text("utf-8")
    header = re.compile(r"<nav.*?</nav>", re.DOTALL)
    assert header.sub("", text) == header.sub("", page)
    assert "<a href" not in text  # MLflow keeps the other pages in other runs


def test_a_run_that_reuses_all_leaves_the_report_in_mlflow_as_it_is(artifacts, settings):
    run = links.page_of(settings.root, "report", artifacts["evaluate"].id).run
    before = Path(connect(settings).download_artifacts(run, "report.html")).read_text("utf-8")

    run_pipeline(pipeline(), run="reused", settings=settings)

    after = Path(connect(settings).download_artifacts(run, "report.html")).read_text("utf-8")
    assert "first" in before
    assert after == before


def test_mlflow_compares_what_ships(artifacts, settings):
    package = open_store(settings).load(artifacts["deploy_device_sdk"])
    client = connect(settings)
    home = client.get_experiment_by_name("shapes").experiment_id

    [parent] = client.search_runs(
        [home], "tags.`aiwf.run` = 'first' and tags.`aiwf.part` = 'pipeline'"
    )

    assert parent.data.metrics["package/device_sdk/accuracy"] == package.overall["accuracy"].value
    note_lines = parent.data.tags["mlflow.note.content"].splitlines()
    assert [line.partition("**:")[0] for line in note_lines] == [
        "- **device_sdk",
        "- **trained model",
    ]


@pytest.fixture
def a_target_that_fails():
    TARGETS.places["broken"] = "tests.journeys.broken:Broken"
    yield
    del TARGETS.places["broken"]


def test_a_package_that_is_refused_is_what_the_outcome_says_first(
    artifacts, settings, a_target_that_fails, capsys
):
    with pytest.raises(AgreementNotMet):
        run_pipeline(pipeline("deploy.targets=[broken]"), run="refused", settings=settings)

    print_outcome("refused", Path("shapes.yaml"), settings)
    output = capsys.readouterr().out
    assert output.index("no package: refused") < output.index("Trained model: ")
    assert "no package: refused" in report_page(settings, "refused")


def test_where_one_target_fails_the_other_ships_and_both_are_told(
    artifacts, settings, a_target_that_fails, capsys
):
    targets = pipeline("deploy.targets=[broken, device_sdk]")

    for run in ("half", "half"):  # a task that is tried again fails again
        with pytest.raises(AgreementNotMet):
            run_pipeline(targets, run=run, settings=settings)

    print_outcome("half", Path("shapes.yaml"), settings)
    output, page = capsys.readouterr().out, report_page(settings, "half")
    assert "broken         no package: refused" in output
    assert "device_sdk     accuracy " in output
    assert "no package: refused" in page
    assert "It never packs." in page
    assert load_lock("half", open_store(settings)).artifacts == artifacts


def test_a_changed_drop_works_in_deploy_only(artifacts, settings):
    assert actions(settings, "deploy.max_drop=0.2") == {
        "etl": "reuse",
        "train": "reuse",
        "evaluate": "reuse",
        "deploy_device_sdk": "work",
    }


def test_a_changed_augmentation_works_in_all(artifacts, settings):
    plans = plan(pipeline("etl.augmentations=[rotate]"), settings)

    assert {stage_plan.action for stage_plan in plans} == {"work"}
    assert "config: etl.augmentations" in plans[0].why


@pytest.mark.slow
def test_a_run_made_again_from_its_lock_is_the_same(artifacts, settings):
    store = open_store(settings)
    lock = read_lock(str(settings.root / "runs" / "first"), store)

    comparisons = reproduce(lock, settings, LogWatch())

    assert {comparison.task: comparison.verdict for comparison in comparisons} == dict.fromkeys(
        artifacts, "same"
    )
    assert not list(settings.root.glob("reproduce-*"))


def test_new_photos_work_in_all_and_a_named_revision_stays(artifacts, settings, tmp_path):
    old = source.find(pipeline().data, settings).revision
    source.add("shapes", makers.folder_of_pictures(tmp_path / "more", each=25), settings)

    plans = plan(pipeline(), settings)

    assert "input: another data" in plans[0].why
    assert set(actions(settings, f"data.revision={old}").values()) == {"reuse"}
