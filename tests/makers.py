"""Makes small, valid, real things with defaults, so that a test says only what matters to it."""

import io
import zipfile
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from stages.artifacts import Dataset
from stages.blobs.memory import MemoryBlobs
from stages.etl.manifest import Sample, write_manifest
from stages.settings import Settings
from stages.store import Store

LABELS = ("circle", "square", "triangle")


def store(folder: Path) -> Store:
    return Store(MemoryBlobs(), folder / "cache")


def settings(folder: Path) -> Settings:
    return Settings(workspace=folder / "workspace", threads=1)


def picture(label: str = "circle", seed: int = 0, side: int = 64, format: str = "PNG") -> bytes:
    """A shape in a random colour at a random place on a noisy ground."""
    rng = np.random.default_rng([seed, LABELS.index(label) if label in LABELS else 99])
    ground = rng.integers(0, 90, (side, side, 3), dtype=np.uint8)
    image = Image.fromarray(ground)
    x, y = rng.integers(side // 3, 2 * side // 3, 2)
    radius = int(rng.integers(side // 6, side // 3))
    colour = tuple(int(value) for value in rng.integers(120, 256, 3))
    draw = ImageDraw.Draw(image)
    box = (x - radius, y - radius, x + radius, y + radius)
    match label:
        case "circle":
            draw.ellipse(box, fill=colour)
        case "square":
            draw.rectangle(box, fill=colour)
        case _:
            draw.polygon(
                [(x, y - radius), (x - radius, y + radius), (x + radius, y + radius)], fill=colour
            )
    out = io.BytesIO()
    image.save(out, format)
    return out.getvalue()


def folder_of_pictures(folder: Path, each: int = 20, side: int = 64) -> Path:
    """Class folders of `each` pictures a label."""
    for label in LABELS:
        (folder / label).mkdir(parents=True)
        for index in range(each):
            (folder / label / f"{index:03}.png").write_bytes(picture(label, index, side))
    return folder


def dataset(store: Store, each: int = 20, views: int = 1) -> Dataset:
    """A saved Dataset of shapes: 60 % train, 20 % validation, 20 % test."""
    samples = [_sample(store, label, index, each) for label in LABELS for index in range(each)]
    made = Dataset(
        task="image_classification",
        labels=LABELS,
        revision="0" * 32 + ".dir",
        counts=_counts(samples),
        augmentations=({"horizontal_flip": {}},),
        views=views,
        files={"manifest.csv": store.add(write_manifest(samples))},
    )
    store.save(made)
    return made


def _sample(store: Store, label: str, index: int, each: int) -> Sample:
    split = ("train", "train", "train", "validation", "test")[index * 5 // each]
    digest = store.add(picture(label, index))
    return Sample(f"{label}/{index:03}.png", digest, label, split, digest, {"width": 64, "height": 64})


def _counts(samples: list[Sample]) -> dict[str, dict[str, int]]:
    counts: dict[str, dict[str, int]] = {}
    for one in samples:
        inner = counts.setdefault(one.split, {})
        inner[one.label] = inner.get(one.label, 0) + 1
    return counts


QUICK = """
name: shapes
task: image_classification
data: shapes
etl: {splits: {train: 0.6, validation: 0.2, test: 0.2}}
train: {families: [efficientnet_lite0], input_sizes: [64], trials: 3, epochs: 9}
evaluate: {gate: {accuracy: 0.4}}
deploy: {max_drop: 0.1, targets: [device_sdk]}
"""


def quick_pipeline(folder: Path, settings: Settings, text: str = QUICK) -> Path:
    """The YAML of a pipeline that is done in seconds, with its data 'shapes' in the workspace."""
    from stages.etl import source

    if not source.revisions("shapes", settings):
        source.add("shapes", folder_of_pictures(folder / "shapes", each=24), settings)
    path = folder / "pipelines" / "shapes.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def zipped(path: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path
