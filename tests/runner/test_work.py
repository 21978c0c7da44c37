"""What is described as deciding a stage's work is all that decides it."""

import pytest

from stages.artifacts import Ref
from stages.config import PipelineConfig
from stages.deploy.targets.cloud_api import LIBRARIES
from stages.parts import ENGINES
from stages.runner.work import STAGE_FACTS, describe


def test_every_library_that_a_package_pins_counts():
    assert set(LIBRARIES) <= set(STAGE_FACTS["deploy"].libraries)


def test_the_libraries_of_the_engine_that_is_named_count():
    inputs = {kind: Ref(kind=kind, id="0" * 64) for kind in ("model", "report", "dataset")}
    names = {}
    for engine in ENGINES:
        config = {"name": "some", "task": "image_classification", "data": "some"}
        pipeline = PipelineConfig.model_validate({**config, "deploy": {"engine": engine}})
        work = describe("deploy", pipeline, inputs, "device_sdk")
        names[engine] = set(work.versions)
        assert names[engine] >= {"onnx", *ENGINES[engine].libraries}

    assert names["opencv"] - names["onnxruntime"] == {"opencv-python-headless"}


def digest(*augmentations: str) -> str:
    config = {
        "name": "some",
        "task": "image_classification",
        "data": "some",
        "etl": {"augmentations": [{name: {}} for name in augmentations]},
        "train": {"families": ["efficientnet_lite0"]},
    }
    pipeline = PipelineConfig.model_validate(config)
    return describe("train", pipeline, {"dataset": Ref(kind="dataset", id="0" * 64)}).code


def test_the_code_of_what_changes_a_dataset_s_samples_counts_for_whoever_takes_it():
    assert digest("noise") != digest("vertical_flip")
    assert digest("noise") == digest("noise")


@pytest.mark.parametrize("stage", STAGE_FACTS)
def test_the_code_of_a_stage_is_the_same_before_its_inputs_are_made(stage: str):
    config = {
        "name": "some",
        "task": "image_classification",
        "data": "some",
        "etl": {"augmentations": [{"noise": {}}]},
    }
    pipeline = PipelineConfig.model_validate(config)
    inputs = {kind: Ref(kind=kind, id="0" * 64) for kind in STAGE_FACTS[stage].inputs}
    target = "device_sdk" if stage == "deploy" else ""

    with_inputs, without = (describe(stage, pipeline, each, target).code for each in (inputs, {}))
    assert with_inputs == without
