"""A small workshop: add raw data, run the stage, look at what it made."""

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from stages.artifacts import Dataset
from stages.config import DataConfig, EtlConfig, EtlSlice
from stages.etl import etl, source
from stages.etl.manifest import Sample, samples_of
from stages.opening import resources_of
from stages.tracking import QuietRun
from tests import makers


class Workshop:
    """A workspace and a store in `folder`; `raw` is where a person's own files lie."""

    def __init__(self, folder: Path) -> None:
        self.settings = makers.settings(folder)
        self.store = makers.store(folder)
        self.raw = folder / "raw"

    def write(self, name: str, data: bytes) -> None:
        path = self.raw / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)

    def shapes(self, each: int = 10) -> None:
        makers.folder_of_pictures(self.raw, each)

    def add(self) -> source.Revision:
        return source.add("shapes", self.raw, self.settings)

    def etl(
        self, data: str = "shapes", task: str = "image_classification", **config: Any
    ) -> Dataset:
        part = EtlSlice(
            task=task,
            data=DataConfig(name=data),
            etl=EtlConfig(**{"augmentations": [], **config}),
        )
        raw = source.raw_data(part.data, self.settings)
        resources = resources_of(self.settings)
        return etl(raw, part, store=self.store, run=QuietRun(), resources=resources)

    def make(self, **config: Any) -> Dataset:
        self.add()
        return self.etl(**config)

    def samples(self, dataset: Dataset) -> list[Sample]:
        return samples_of(dataset, self.store)

    def text(self, dataset: Dataset, name: str) -> str:
        return self.store.get(dataset.files[name]).decode()

    def quarantined(self, dataset: Dataset) -> dict[str, dict[str, str]]:
        """The quarantine's rows by file name."""
        rows = csv.DictReader(io.StringIO(self.text(dataset, "quarantine.csv")))
        return {row["file"]: row for row in rows}

    def validation(self, dataset: Dataset) -> dict[str, Any]:
        """The outcomes by the check's name."""
        return {
            result["check"]: result for result in json.loads(self.text(dataset, "validation.json"))
        }


@pytest.fixture
def workshop(tmp_path: Path) -> Iterator[Workshop]:
    shop = Workshop(tmp_path)
    yield shop
    assert not list((shop.settings.root / "data" / "work").glob("*")), "a workspace was left"
