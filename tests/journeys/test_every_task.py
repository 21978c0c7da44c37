"""Each task from a folder to a package that answers, through the real four stages."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from stages import parts
from stages.artifacts import Package, Ref, Report
from stages.config import PipelineConfig, parse_pipeline
from stages.etl import source
from stages.opening import open_store
from stages.runner import plan, run_pipeline
from stages.runner.publish import package_folder
from stages.runtime.predictor import Predictor
from stages.settings import Settings
from tests import makers
from tests.journeys import beeps

pytestmark = pytest.mark.slow  # each trains for a minute or two

SPLITS = "etl: {splits: {train: 0.6, validation: 0.2, test: 0.2}}"


class Journey(NamedTuple):
    """A task's data, the rest of its YAML, a sample that it has not seen, what is true of it."""

    task: str
    data: Callable[[Path], Path]
    yaml: str
    sample: Callable[[], bytes]
    right: Callable[[dict[str, Any]], bool]


def likeliest(label: str) -> Callable[[dict[str, Any]], bool]:
    return lambda answer: answer["labels"][0]["label"] == label


JOURNEYS = {
    "sounds": Journey(
        "sound_classification",
        lambda folder: beeps.folder_of_beeps(folder, each=20),
        "train: {families: [efficientnet_lite0, small_audio], input_sizes: [64], trials: 2, "
        "epochs: 12}\nevaluate: {gate: {accuracy: 0.4}}\ndeploy: {max_drop: 0.2}",
        lambda: beeps.beep("tone", 999),
        likeliest("tone"),
    ),
    "boxes": Journey(
        "object_detection",
        lambda folder: makers.folder_of_boxes(folder, count=48),
        "train: {families: [lite_detector], input_sizes: [96], trials: 1, epochs: 12}\n"
        "evaluate: {gate: {ap50: 0.02}}\ndeploy: {max_drop: 0.5}",
        lambda: makers.scene(999)[0],
        lambda answer: all(box["label"] in makers.LABELS for box in answer["boxes"]),
    ),
    "sketches": Journey(
        "sketch_classification",
        lambda folder: makers.folder_of_pictures(folder, each=20),
        "train: {families: [efficientnet_lite0], input_sizes: [64], trials: 2, epochs: 9}\n"
        "evaluate: {gate: {accuracy: 0.4}}\ndeploy: {max_drop: 0.2, targets: [device_sdk]}",
        lambda: makers.picture("square", 999),
        lambda answer: answer["labels"][0]["label"] in makers.LABELS,
    ),
}


@pytest.fixture(scope="module", params=JOURNEYS)
def journey(request) -> Journey:
    return JOURNEYS[request.param]


@pytest.fixture(scope="module")
def settings(tmp_path_factory, journey) -> Settings:
    folder = tmp_path_factory.mktemp("journey with space")
    settings = makers.settings(folder)
    source.add("things", journey.data(folder / "given"), settings)
    return settings


@pytest.fixture(scope="module")
def pipeline(journey) -> PipelineConfig:
    line = {"sketch_classification": "tests.journeys.sketches:SketchClassification"}
    parts.TASKS.places.update(line)  # the one line on the board
    text = f"name: things\ntask: {journey.task}\ndata: things\n{SPLITS}\n{journey.yaml}"
    yield parse_pipeline(text)
    parts.TASKS.places.pop("sketch_classification")


@pytest.fixture(scope="module")
def artifacts(settings, pipeline) -> dict[str, Ref]:
    return run_pipeline(pipeline, run="first", settings=settings)


def packages(artifacts: dict[str, Ref], settings: Settings) -> list[Package]:
    store = open_store(settings)
    return [store.load(ref) for ref in artifacts.values() if ref.kind == "package"]


def test_the_report_says_ship_or_why_not(artifacts, settings):
    report: Report = open_store(settings).load(artifacts["evaluate"])

    assert report.verdict in ("ship", "undecided")
    assert report.reasons
    assert all(measure.low <= measure.value <= measure.high for measure in report.overall.values())


def test_the_packages_answer_what_they_have_not_seen(artifacts, settings, journey):
    for package in packages(artifacts, settings):
        with Predictor.open(package_folder(package, settings)) as predictor:
            assert journey.right(predictor.predict(journey.sample()))


def test_the_packed_artifact_itself_was_measured(artifacts, settings):
    for package in packages(artifacts, settings):
        assert package.overall
        assert package.rungs[-1]["kept"]


def test_a_second_run_reuses_everything(artifacts, settings, pipeline):
    assert {stage_plan.action for stage_plan in plan(pipeline, settings)} == {"reuse"}
    assert run_pipeline(pipeline, run="second", settings=settings) == artifacts
