"""Makes small, valid, real things with defaults, so that a test says only what matters to it."""

import io
import json
import zipfile
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from stages.artifacts import Box, Dataset
from stages.blobs.memory import MemoryBlobs
from stages.etl.manifest import Sample, write_manifest
from stages.opening import resources_of
from stages.resources import Resources
from stages.settings import Settings
from stages.store import Store

LABELS = ("circle", "square", "triangle")


def store(folder: Path) -> Store:
    return Store(MemoryBlobs(), folder / "cache")


def settings(folder: Path) -> Settings:
    return Settings(workspace=folder / "workspace", threads=1)


def resources(folder: Path) -> Resources:
    return resources_of(settings(folder))


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


def ground(width: int, height: int, seed: int = 0) -> bytes:
    """A PNG of noise that is like no other."""
    rng = np.random.default_rng([seed, 11])
    out = io.BytesIO()
    Image.fromarray(rng.integers(0, 256, (height, width, 3), dtype=np.uint8)).save(out, "PNG")
    return out.getvalue()


def scene(seed: int = 0, side: int = 96, most: int = 3) -> tuple[bytes, tuple[Box, ...]]:
    """A PNG of shapes on a noisy ground that do not touch, and the box of each; every eighth scene
    is empty."""
    rng = np.random.default_rng([seed, 7])
    image = Image.fromarray(rng.integers(0, 90, (side, side, 3), dtype=np.uint8))
    draw, cell, boxes = ImageDraw.Draw(image), side // 2, []
    for place in rng.permutation(4)[: 0 if seed % 8 == 7 else int(rng.integers(1, most + 1))]:
        label = LABELS[int(rng.integers(len(LABELS)))]
        size = int(rng.integers(cell // 2, cell - 4))
        left, top = np.array(divmod(int(place), 2)) * cell + rng.integers(1, cell - size - 1, 2)
        boxes.append(Box(label, float(left), float(top), float(left + size), float(top + size)))
        colour = tuple(int(value) for value in rng.integers(120, 256, 3))
        _draw(draw, label, (int(left), int(top), int(left) + size - 1, int(top) + size - 1), colour)
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue(), tuple(boxes)


def _draw(
    draw: ImageDraw.ImageDraw, label: str, box: tuple[int, int, int, int], colour: tuple[int, ...]
) -> None:
    left, top, right, bottom = box
    match label:
        case "circle":
            draw.ellipse(box, fill=colour)
        case "square":
            draw.rectangle(box, fill=colour)
        case _:
            draw.polygon([((left + right) // 2, top), (left, bottom), (right, bottom)], fill=colour)


def folder_of_boxes(folder: Path, count: int = 40, side: int = 96) -> Path:
    """A COCO folder of `count` scenes: images/000.png ... and annotations.json."""
    (folder / "images").mkdir(parents=True)
    coco = CocoText(LABELS)
    for index in range(count):
        data, boxes = scene(index, side)
        (folder / "images" / f"{index:03}.png").write_bytes(data)
        coco.add(f"images/{index:03}.png", side, side, boxes)
    (folder / "annotations.json").write_text(json.dumps(coco.record()))
    return folder


class CocoText:
    """A COCO file that grows by a picture at a time."""

    def __init__(self, labels: tuple[str, ...]) -> None:
        self.labels = labels
        self.images: list[dict[str, Any]] = []
        self.annotations: list[dict[str, Any]] = []

    def add(self, file: str, width: int, height: int, boxes: tuple[Box, ...]) -> None:
        number = len(self.images) + 1
        self.images.append({"id": number, "file_name": file, "width": width, "height": height})
        for box in boxes:
            sides = [box.left, box.top, box.right - box.left, box.bottom - box.top]
            self.annotations.append(
                {
                    "id": len(self.annotations) + 1,
                    "image_id": number,
                    "category_id": self.labels.index(box.label) + 1,
                    "bbox": sides,
                    "iscrowd": 0,
                }
            )

    def record(self) -> dict[str, Any]:
        categories = [{"id": at + 1, "name": name} for at, name in enumerate(self.labels)]
        return {
            "images": self.images,
            "annotations": self.annotations,
            "categories": categories,
        }


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
    return _saved(store, "image_classification", "0", samples, views)


def boxes_dataset(store: Store, count: int = 40, side: int = 96, views: int = 1) -> Dataset:
    """A saved Dataset of scenes with boxes: 60 % train, 20 % validation, 20 % test."""
    samples = [_scene_sample(store, index, count, side) for index in range(count)]
    return _saved(store, "object_detection", "1", samples, views)


def _saved(store: Store, task: str, digit: str, samples: list[Sample], views: int) -> Dataset:
    """A saved Dataset of `samples` with mirrored views; `digit` is what its revision is made of."""
    dataset = Dataset(
        task=task,
        labels=LABELS,
        revision=digit * 32 + ".dir",
        counts=_counts(samples),
        samples=_samples(samples),
        augmentations=({"horizontal_flip": {}},),
        views=views,
        files={"manifest.csv": store.add(write_manifest(samples))},
    )
    store.save(dataset)
    return dataset


def _scene_sample(store: Store, index: int, count: int, side: int) -> Sample:
    data, boxes = scene(index, side)
    digest, split = store.add(data), _split(index, count)
    facts = {"width": side, "height": side}
    return Sample(f"images/{index:03}.png", digest, "", split, digest, facts, boxes)


def _split(index: int, count: int) -> str:
    return ("train", "train", "train", "validation", "test")[index * 5 // count]


def _samples(samples: list[Sample]) -> dict[str, int]:
    return dict(Counter(sample.split for sample in samples))


def _sample(store: Store, label: str, index: int, each: int) -> Sample:
    digest, split = store.add(picture(label, index)), _split(index, each)
    facts = {"width": 64, "height": 64}
    return Sample(f"{label}/{index:03}.png", digest, label, split, digest, facts)


def _counts(samples: list[Sample]) -> dict[str, dict[str, int]]:
    counts: dict[str, dict[str, int]] = {}
    for sample in samples:
        inner = counts.setdefault(sample.split, {})
        for label in sample.labels:
            inner[label] = inner.get(label, 0) + 1
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
