"""From a folder of pictures to a package that answers, through the real four stages."""

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
def made(settings) -> dict[str, Ref]:
    return run_pipeline(pipeline(), run="first", settings=settings)


def pipeline(*changes: str) -> PipelineConfig:
    return parse_pipeline(YAML, changes=changes)


def actions(settings: Settings, *changes: str) -> dict[str, str]:
    return {one.task: one.action for one in plan(pipeline(*changes), settings)}


def test_every_stage_makes_its_artifact(made):
    assert {task: ref.kind for task, ref in made.items()} == {
        "etl": "dataset",
        "train": "model",
        "evaluate": "report",
        "deploy_device_sdk": "package",
    }


def test_the_package_answers(made, settings):
    store = open_store(settings)
    folder = package_folder(store.load(made["deploy_device_sdk"]), settings)

    answer = Predictor.open(folder).predict(makers.picture("square", 999))

    assert answer["labels"][0]["label"] in makers.LABELS


def test_the_run_is_locked(made, settings):
    lock = load_lock("first", open_store(settings))

    assert lock is not None
    assert lock.made == made
    assert lock.data["revision"].endswith(".dir")
    assert lock.config["train"]["trials"] == 4
    assert lock.weights
    folder = settings.root / "runs" / "first"
    assert {path.name for path in folder.iterdir()} == {"run.lock.json", "report.html", "data.html"}


def test_a_second_run_reuses_everything(made, settings):
    assert set(actions(settings).values()) == {"reuse"}
    assert run_pipeline(pipeline(), run="second", settings=settings) == made


def report_page(settings, run: str) -> str:
    return (settings.root / "runs" / run / "report.html").read_text("utf-8")


def test_the_report_says_first_what_the_package_measured_and_stays_the_same_artifact(
    made, settings
):
    store = open_store(settings)
    report, package = store.load(made["evaluate"]), store.load(made["deploy_device_sdk"])

    page = report_page(settings, "first")

    accuracy = formatting.counted_measure(package.overall["accuracy"])
    assert page.index(f"accuracy {accuracy}") < page.index("Trained model: ")
    assert "No package had been made" in store.get(report.files["report.html"]).decode()
    run = links.kept(settings.root, "report", report.ref.id).run
    copy = connect(settings).download_artifacts(run, "report.html")
    assert Path(copy).read_text("utf-8") == page


def test_mlflow_compares_what_ships(made, settings):
    package = open_store(settings).load(made["deploy_device_sdk"])
    client = connect(settings)
    home = client.get_experiment_by_name("shapes").experiment_id

    [parent] = client.search_runs(
        [home], "tags.`aiwf.run` = 'first' and tags.`aiwf.part` = 'pipeline'"
    )

    assert parent.data.metrics["package/device_sdk/accuracy"] == package.overall["accuracy"].value
    told = parent.data.tags["mlflow.note.content"].splitlines()
    assert [line.partition("**:")[0] for line in told] == ["- **device_sdk", "- **trained model"]


@pytest.fixture
def a_target_that_fails():
    TARGETS.places["broken"] = "tests.journeys.broken:Broken"
    yield
    del TARGETS.places["broken"]


def test_a_package_that_is_refused_is_what_the_outcome_says_first(
    made, settings, a_target_that_fails, capsys
):
    with pytest.raises(AgreementNotMet):
        run_pipeline(pipeline("deploy.targets=[broken]"), run="refused", settings=settings)

    print_outcome("refused", Path("shapes.yaml"), settings)
    said = capsys.readouterr().out
    assert said.index("no package: refused") < said.index("Trained model: ")
    assert "no package: refused" in report_page(settings, "refused")


def test_where_one_target_fails_the_other_ships_and_both_are_told(
    made, settings, a_target_that_fails, capsys
):
    targets = pipeline("deploy.targets=[broken, device_sdk]")

    for run in ("half", "half"):  # a task that is tried again fails again
        with pytest.raises(AgreementNotMet):
            run_pipeline(targets, run=run, settings=settings)

    print_outcome("half", Path("shapes.yaml"), settings)
    said, page = capsys.readouterr().out, report_page(settings, "half")
    assert "broken         no package: refused" in said
    assert "device_sdk     accuracy " in said
    assert "no package: refused" in page
    assert "It never packs." in page
    assert load_lock("half", open_store(settings)).made == made


def test_a_changed_drop_works_in_deploy_only(made, settings):
    assert actions(settings, "deploy.max_drop=0.2") == {
        "etl": "reuse",
        "train": "reuse",
        "evaluate": "reuse",
        "deploy_device_sdk": "work",
    }


def test_a_changed_augmentation_works_in_all(made, settings):
    told = plan(pipeline("etl.augmentations=[rotate]"), settings)

    assert {one.action for one in told} == {"work"}
    assert "config: etl.augmentations" in told[0].why


@pytest.mark.slow
def test_a_run_made_again_from_its_lock_is_the_same(made, settings):
    store = open_store(settings)
    lock = read_lock(str(settings.root / "runs" / "first"), store)

    told = reproduce(lock, settings, LogWatch())

    assert {one.task: one.verdict for one in told} == dict.fromkeys(made, "same")
    assert not list(settings.root.glob("reproduce-*"))


def test_new_photos_work_in_all_and_a_named_revision_stays(made, settings, tmp_path):
    old = source.find(pipeline().data, settings).revision
    source.add("shapes", makers.folder_of_pictures(tmp_path / "more", each=25), settings)

    told = plan(pipeline(), settings)

    assert "input: another data" in told[0].why
    assert set(actions(settings, f"data.revision={old}").values()) == {"reuse"}
