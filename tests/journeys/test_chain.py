"""Two pipelines of one data set become one package: boxes are found, cropped, named, measured."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from stages.artifacts import Package
from stages.cli.app import app
from stages.config import parse_pipeline
from stages.etl import source
from stages.opening import open_store
from stages.runner import run_pipeline
from stages.runner.lock import load_lock
from stages.runner.planning import plan
from stages.runner.publish import package_folder
from stages.runner.reproduce import reproduce
from stages.runner.watch import LogWatch
from stages.runtime.predictor import Predictor
from stages.runtime.selftest import selftest
from stages.settings import Settings
from tests import makers

pytestmark = pytest.mark.slow  # it trains a detector and a classifier

FINDER = """
name: finder
task: object_detection
data: things
etl: {splits: {train: 0.6, validation: 0.2, test: 0.2}}
train: {families: [lite_detector], input_sizes: [96], trials: 1, epochs: 30}
evaluate: {gate: {ap50: 0.02}}
deploy: {max_drop: 0.5, targets: [device_sdk], ladder: [float32]}
"""
NAMER = """
name: namer
task: image_classification
data: crops
train: {families: [efficientnet_lite0], input_sizes: [64], trials: 2, epochs: 9}
evaluate: {gate: {accuracy: 0.3}}
deploy: {max_drop: 0.2, targets: [device_sdk], ladder: [float32]}
"""


@pytest.fixture(scope="module")
def settings(tmp_path_factory) -> Settings:
    settings = makers.settings(tmp_path_factory.mktemp("chain journey"))
    folder: Path = makers.folder_of_boxes(settings.root.parent / "things", count=96)
    source.add("things", folder, settings)
    return settings


CHAINED = FINDER.replace("targets: [device_sdk]", "targets: [cloud_api], chain: namer")


def test_a_data_set_of_boxes_becomes_one_package_of_two_networks(settings, monkeypatch, tmp_path):
    monkeypatch.setenv("AIWF_WORKSPACE", str(settings.root))
    run_pipeline(parse_pipeline(FINDER), run="finder-1", settings=settings)

    crops = CliRunner().invoke(app, ["data", "crops", "finder-1", "crops"])
    run_pipeline(parse_pipeline(NAMER), run="namer-1", settings=settings)
    chained = CliRunner().invoke(app, ["chain", "finder", "namer", "--name", "named_things"])

    assert crops.exit_code == 0, crops.output
    assert chained.exit_code == 0, chained.output
    store = open_store(settings)
    chains = [store.load(ref) for ref in store.refs("package")]
    chain: Package = next(found for found in chains if found.name == "named_things")
    folder = package_folder(chain, settings)
    assert chain.overall["micro_recall"].n > 0
    assert selftest(folder).passed
    with Predictor.open(folder) as predictor:
        answer = predictor.predict(makers.scene(999)[0])
    assert all(box["label"] in makers.LABELS for box in answer["boxes"])


def test_a_pipeline_that_names_the_classifier_ships_the_chain_and_is_reproduced(settings):
    """It finds what the test before it made: only the detector is packed anew."""
    pipeline = parse_pipeline(CHAINED)
    artifacts = run_pipeline(pipeline, run="finder-2", settings=settings)
    store = open_store(settings)
    chain: Package = store.load(artifacts["deploy_cloud_api"])
    lock = load_lock("finder-2", store)

    again = {task.task: task.action for task in plan(pipeline, settings)}
    comparisons = reproduce(lock, settings, LogWatch())

    assert chain.overall["micro_recall"].n > 0
    assert [ref.kind for ref in chain.parents] == ["package", "package", "dataset", "report"]
    assert lock.worked == ("deploy_cloud_api",)
    named = f"package@{chain.parents[1].id}"
    assert lock.config["deploy"]["chain"]["classifier"] == named
    assert again["deploy_cloud_api"] == "reuse"
    assert {compared.verdict for compared in comparisons} == {"same"}
    assert selftest(package_folder(chain, settings)).passed
