"""Pipelines of benchmarks, whose stages run in workspaces of their own."""

from typing import Any

from stages.artifacts import Dataset
from stages.config import PipelineConfig
from stages.etl import source
from stages.opening import open_store, resources_of
from stages.parts import STAGES
from stages.settings import Settings
from stages.tracking import QuietRun


def photo_pipeline(name: str, train: dict[str, Any], data: str = "data") -> PipelineConfig:
    """The pipeline `name` of image classification on `data`, with these settings of `train`."""
    fields = {"name": name, "task": "image_classification", "data": data, "train": train}
    return PipelineConfig.model_validate(fields)


def services_of(settings: Settings) -> dict[str, Any]:
    """What stages use in the workspace of `settings`: store, run and resources."""
    store, resources = open_store(settings), resources_of(settings)
    return {"store": store, "run": QuietRun(), "resources": resources}


def dataset_of(pipeline: PipelineConfig, settings: Settings, services: dict[str, Any]) -> Dataset:
    """The Dataset that etl makes of the data of `pipeline`."""
    raw = source.raw_data(pipeline.data, settings)
    dataset: Dataset = STAGES["etl"](raw, pipeline.slice("etl"), **services)
    return dataset
