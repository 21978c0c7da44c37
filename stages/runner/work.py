"""Describes the work of a stage: everything that determines its artifact."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from stages.artifacts import Ref
from stages.closure import code_digest
from stages.config import PipelineConfig
from stages.parts import ENGINES
from stages.runtime.libraries import installed
from stages.store import Work


class Facts(NamedTuple):
    """What a stage takes in, and the libraries that its result depends on, beside those of the
    engine that its config names."""

    inputs: tuple[str, ...]
    libraries: tuple[str, ...]


STAGE_FACTS = {
    "etl": Facts((), ("pillow", "soundfile", "numpy", "great-expectations", "defusedxml")),
    "train": Facts(
        ("dataset",),
        (
            *("pillow", "soundfile", "numpy", "onnxruntime", "paddlepaddle", "paddle2onnx", "ray"),
            *("optuna", "faster-coco-eval"),
        ),
    ),
    "evaluate": Facts(
        ("model", "dataset"), ("pillow", "soundfile", "numpy", "paddlepaddle", "faster-coco-eval")
    ),
    "deploy": Facts(
        ("model", "report", "dataset"),
        (
            *("pillow", "soundfile", "numpy", "faster-coco-eval"),
            # a service's requirements.txt names their versions
            *("fastapi", "python-multipart", "prometheus-client", "swagger-ui-bundle"),
            *("uvicorn", "httptools", "uvloop"),
        ),
    ),
}
# Libraries that a target uses where they are installed.
OF_TARGETS = {"ios": ("coremltools",)}
MAKES = {"etl": "dataset", "train": "model", "evaluate": "report", "deploy": "package"}


def describe(
    stage: str, pipeline: PipelineConfig, inputs: Mapping[str, Ref], target: str = ""
) -> Work:
    """The work of `stage` in a resolved `pipeline` on `inputs`."""
    config = pipeline.slice(stage, target).model_dump(mode="json")
    digests = {name: ref.id for name, ref in inputs.items()}
    if "data" in config:  # the revision counts, not the name of the data
        digests["data"] = config.pop("data")["revision"]
    libraries = {name: installed(name) or "missing" for name in _libraries(stage, config)}
    # every stage with a dataset input applies its augmentations
    augments = "dataset" in STAGE_FACTS[stage].inputs
    named_parts = [config, pipeline.etl.augmentations] if augments else config
    return Work(stage, config, digests, code_digest(stage, named_parts, pipeline.task), libraries)


def _libraries(stage: str, config: Mapping[str, Any]) -> tuple[str, ...]:
    """The libraries that the result of `stage` with this config slice depends on."""
    libraries = STAGE_FACTS[stage].libraries
    if "deploy" in config:
        libraries += ENGINES[config["deploy"]["engine"]].tools
        libraries += OF_TARGETS.get(config["target"], ())
    return libraries
