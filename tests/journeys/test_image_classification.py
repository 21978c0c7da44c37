"""From a folder of pictures to a package that answers, through the real four stages."""

import pytest

from stages.artifacts import Ref
from stages.config import PipelineConfig, parse_pipeline
from stages.etl import source
from stages.opening import open_store
from stages.runner import LogWatch, plan, run_pipeline
from stages.runner.lock import load_lock, read_lock
from stages.runner.publish import package_folder
from stages.runner.reproduce import reproduce
from stages.runtime.predictor import Predictor
from stages.settings import Settings
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
