"""Packages of one pipeline that answer colours, each more or less right, and the data that they
were trained on."""

import io
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from stages.artifacts import Dataset, Measure, Package, Ref
from stages.etl.manifest import Sample, write_manifest
from stages.opening import open_store
from stages.publish.registry import ModelRegistry
from stages.settings import Settings
from tests.runtime.conftest import COLOURS, DESCRIPTION, colour_network, whole
from tests.studio.conftest import saved_package

PIPELINE = "colours"
MEASURE = Measure(value=0.9, low=0.8, high=0.95, n=60)
ORDERS = {  # of the labels: a network that is right, and some that mix two colours up
    "right": ("red", "green", "blue"),
    "mixed": ("red", "blue", "green"),
    "other": ("blue", "green", "red"),
}


def picture(colour: str, seed: int, darker: int = 0) -> bytes:
    """A PNG that is mostly of `colour`, which is `darker` of 255 than usual."""
    rng = np.random.default_rng([seed, COLOURS.index(colour)])
    pixels = rng.integers(0, 60, (16, 16, 3), dtype=np.uint8)
    pixels[..., COLOURS.index(colour)] += 180 - darker
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG")
    return out.getvalue()


@pytest.fixture(scope="session")
def empty_registry(tmp_path_factory) -> Path:
    """The folder of an MLflow without anything: to make its tables takes a while."""
    folder = tmp_path_factory.mktemp("registry")
    ModelRegistry(Settings(workspace=folder))
    return folder / "mlflow"


@pytest.fixture
def settings(tmp_path, empty_registry) -> Settings:
    workspace = tmp_path / "workspace"
    shutil.copytree(empty_registry, workspace / "mlflow")
    return Settings(workspace=workspace, pipelines=tmp_path / "pipelines", threads=1)


@pytest.fixture(scope="session")
def colour_files(tmp_path_factory) -> dict[str, dict[str, bytes]]:
    """The files of each package, by its name in ORDERS; and of one whose selftest fails."""
    found = {
        name: whole(
            {**DESCRIPTION, "name": PIPELINE, "labels": list(labels)},
            colour_network(),
            tmp_path_factory.mktemp(name),
        )
        for name, labels in ORDERS.items()
    }
    return {**found, "failing": failing(found["right"])}


def failing(files: dict[str, bytes]) -> dict[str, bytes]:
    """The files of a package whose golden answers are others than it gives; its seal is whole."""
    import json

    from stages.runtime.sealed import SEAL, seal
    from stages.runtime.selftest import GOLDEN

    golden = json.loads(files[GOLDEN])
    for case in golden["cases"]:
        case["expected"] = case["expected"][::-1]
    plain = {name: data for name, data in files.items() if name != SEAL}
    plain[GOLDEN] = json.dumps(golden).encode()
    return {**plain, SEAL: seal(plain)}


def saved_dataset(settings: Settings, tests: range, revision: str = "0") -> Dataset:
    """A dataset with a test picture of each colour for each of `tests`, and some to train on."""
    store = open_store(settings)
    samples = [
        Sample(f"{colour}/{seed}.png", store.add(picture(colour, seed)), colour, split)
        for split, seeds in (("test", tests), ("train", range(9000, 9004)))
        for seed in seeds
        for colour in COLOURS
    ]
    dataset = Dataset(
        task="image_classification",
        labels=COLOURS,
        revision=revision * 32 + ".dir",
        counts={},
        samples=dict(Counter(sample.split for sample in samples)),
        files={"manifest.csv": store.add(write_manifest(samples))},
    )
    store.save(dataset)
    return dataset


@pytest.fixture
def packed(settings, colour_files) -> Callable[..., Package]:
    """Save the package of that name; `data`: what it was trained on."""

    def saved(name: str, data: Dataset | None = None, pipeline: str = PIPELINE) -> Package:
        return saved_package(
            pipeline,
            colour_files[name],
            settings,
            overall={"accuracy": MEASURE},
            agreement=MEASURE,
            gate={},
            parents=(data.ref if data else Ref("dataset", "0" * 64),),
        )

    return saved
