"""One detector beside chains: `python -m tests.benchmarks.chains FOLDER [MINUTES] [NAMES]`.

FOLDER has pictures with boxes in a layout that `aiwf data add` reads, with a test split. Three
pipelines are run: a detector of the labels and a detector of one label for all boxes, in MINUTES
each (10), and a classifier of the crops, in NAMES minutes (4). Printed are both chains beside the
first detector, from photo to label, on the same test photos: recall and precision of all boxes,
with the paired difference in recall and its 95 % interval."""

import sys
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from stages.artifacts import Box
from stages.config import DataConfig, PipelineConfig
from stages.deploy.chain.chain_content import ChainRule
from stages.deploy.chain.packing import ChainRequest, make_chain
from stages.etl import source
from stages.etl.crops import cropped, opened_photos
from stages.etl.export import write_layout
from stages.etl.readers import read_folder
from stages.opening import open_store
from stages.runner import run_pipeline
from stages.runner.chain import annotations_of, named_part
from stages.settings import Settings

MARGIN = 0.1
SINGLE = "thing"  # the label of the second detector


def main(folder: str, minutes: str = "10", names: str = "4") -> None:
    """Print both chains beside the single detector."""
    with TemporaryDirectory(prefix="aiwf-chains-") as work:
        settings = Settings(workspace=Path(work) / "workspace")
        _add_data(Path(folder), Path(work) / "one", settings)
        for name, task, budget in (
            ("boxes", "object_detection", minutes),
            ("one", "object_detection", minutes),
            ("crops", "image_classification", names),
        ):
            run_pipeline(_pipeline(name, task, float(budget)), run=f"{name}-1", settings=settings)
        for detector in ("boxes", "one"):
            _print_chain(detector, settings)


def _add_data(folder: Path, collapsed: Path, settings: Settings) -> None:
    """Add the boxes, the same boxes with one label, and their crops."""
    source.add("boxes", folder, settings)
    reading = read_folder(folder)
    rows = tuple(
        replace(row, boxes=tuple(Box(SINGLE, *box[1:]) for box in row.boxes))
        for row in reading.rows
    )
    collapsed.mkdir()
    write_layout(replace(reading, rows=rows), folder, "coco", collapsed)
    source.add("one", collapsed, settings)
    raw = source.raw_data(DataConfig(name="boxes"), settings)
    with opened_photos(raw) as photos, cropped(photos, MARGIN) as (crops, _):
        source.add("crops", crops, settings)


def _pipeline(name: str, task: str, minutes: float) -> PipelineConfig:
    fields: dict[str, Any] = {"name": name, "task": task, "data": name}
    deploy = {"targets": ["device_sdk"]}
    train = {"budget_minutes": minutes}
    return PipelineConfig.model_validate({**fields, "train": train, "deploy": deploy})


def _print_chain(detector: str, settings: Settings) -> None:
    """Make the chain of `detector` and the classifier, and print its page's figures."""
    store = open_store(settings)
    parts = {name: named_part(name, store, settings) for name in ("boxes", detector, "crops")}
    request = ChainRequest(
        f"chain_{detector}",
        parts[detector],
        parts["crops"],
        ChainRule(margin=MARGIN),
        against=parts["boxes"],
        truth=("boxes", annotations_of("boxes", store, settings)),
    )
    package = make_chain(request, store, settings.threads)
    print(store.get(package.files["measured.json"]).decode())


if __name__ == "__main__":
    main(*sys.argv[1:])
