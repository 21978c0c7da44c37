"""Tree crowns from the air: four photos with 951 boxes, cut into 47 tiles of about 400 pixels."""

import json
import tempfile
import zipfile
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from stages.artifacts import Box
from stages.etl.augmentations.geometry import visible
from stages.etl.readers.files import Files
from stages.etl.readers.voc import Voc
from stages.fetching import Archive
from stages.runtime.errors import Damaged
from stages.samples import SampleData

HOME = PurePosixPath("deepforest/data")
SIDE = 400  # of a tile, about
LABEL = "tree"  # only one photo has separate labels for dead and living ones
PHOTOS = {  # photo -> its split
    "2019_YELL_2_528000_4978000_image_crop2": "train",
    "2019_YELL_2_541000_4977000_image_crop": "test",
    "OSBS_029": "validation",
    "SOAP_061": "validation",
}


def lay_out(folder: Path, archive: Path | None) -> None:
    """Write the tiles, and train.json, validation.json and test.json in COCO's layout.

    Tiles of one photo show one wood in one light, so a photo is a group with a given split: the
    largest one (36 tiles) is for training, another of that region (9 tiles) for the test, and the
    two small ones of other regions (1 tile each) for validation. A crown on the edge of tiles is in
    each tile that shows at least a third of its box."""
    if archive is None:
        raise Damaged("The package of the trees is missing.", "Run the command again.")
    with tempfile.TemporaryDirectory() as place:
        _take_out(archive, Path(place))
        for split in ("train", "validation", "test"):
            rows = [row for row in Voc().read(Files(Path(place))).rows if _split(row.file) == split]
            tiles = [tile for row in rows for tile in _tiles(Path(place) / row.file, row.boxes)]
            for name, picture, _ in tiles:
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                picture.save(folder / name)
            record = _coco([(name, picture.size, boxes) for name, picture, boxes in tiles])
            (folder / f"{split}.json").write_text(json.dumps(record, indent=1), encoding="utf-8")


def _take_out(archive: Path, place: Path) -> None:
    with zipfile.ZipFile(archive) as package:
        for photo in PHOTOS:
            for kind in ("png", "xml"):
                (place / f"{photo}.{kind}").write_bytes(package.read(f"{HOME}/{photo}.{kind}"))


def _split(file: str) -> str:
    return PHOTOS[PurePosixPath(file).stem]


def _tiles(photo: Path, boxes: tuple[Box, ...]) -> Iterator[tuple[str, Any, list[list[float]]]]:
    """Each tile of `photo`: its name, the picture, its boxes as left, top, right, bottom."""
    from PIL import Image

    image = Image.open(photo).convert("RGB")
    corners = np.array([[*box[1:], 0] for box in boxes], np.float32)
    across, down = _tile_edges(image.width), _tile_edges(image.height)
    for row, (top, bottom) in enumerate(pairwise(down)):
        for column, (left, right) in enumerate(pairwise(across)):
            moved = corners - np.array([left, top, left, top, 0], np.float32)
            visible_boxes = visible(moved, right - left, bottom - top)[:, :4]
            tile = image.crop((left, top, right, bottom))
            yield f"tiles/{photo.stem}/{row}-{column}.png", tile, visible_boxes.tolist()


def _tile_edges(length: int) -> list[int]:
    """The edges of equal tiles of about SIDE along a side of `length` pixels."""
    parts = max(1, round(length / SIDE))
    return [round(part * length / parts) for part in range(parts + 1)]


def _coco(tiles: list[tuple[str, tuple[int, int], list[list[float]]]]) -> dict[str, Any]:
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for number, (name, (width, height), boxes) in enumerate(tiles, 1):
        image = {"id": number, "file_name": name, "width": width, "height": height}
        images.append({**image, "group": PurePosixPath(name).parent.name})
        for left, top, right, bottom in boxes:
            entry = {"id": len(annotations) + 1, "image_id": number, "category_id": 1}
            annotations.append({**entry, "bbox": [left, top, right - left, bottom - top]})
    categories = [{"id": 1, "name": LABEL}]
    return {"images": images, "annotations": annotations, "categories": categories}


TREES = SampleData(
    name="trees",
    title="Tree crowns on aerial photos, 47 tiles of about 400 × 400 pixels with boxes; one label",
    samples=47,
    licence="MIT",
    source="Python package deepforest 2.1.0: B. Weinstein et al., DeepForest, Methods in Ecology "
    "and Evolution 11, 2020, doi:10.1111/2041-210X.13472; photos of the National Ecological "
    "Observatory Network (NEON)",
    lay_out=lay_out,
    archive=Archive(
        package="deepforest",
        version="2.1.0",
        file="deepforest-2.1.0-py3-none-any.whl",
        bytes=20_639_595,
        sha256="8c2798d8e9be7f0004b194fe207b76c1d9fff6e711b3db67b9508dcd5d00ae54",
    ),
)
