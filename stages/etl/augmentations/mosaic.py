"""Combines four scenes into one, so that a batch has more and smaller objects on other backgrounds
(A. Bochkovskiy et al., YOLOv4, 2020, section 3.3)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from stages.etl.augmentations import OnPictures, Scene, share
from stages.etl.augmentations.geometry import shifted, visible

Area = tuple[int, int, int, int]  # left, top, right, bottom


@dataclass(frozen=True)
class Mosaic(OnPictures):
    """With probability `chance`, combines four scenes that meet at a random point in the middle
    half of the picture; each is scaled to fill its quarter and cropped at random. Boxes are clipped
    as by Crop. Applied to batches, by a detector's loader. `until`: after this share of the
    training there are no more mosaics, so that it ends on pictures such as those of the data (Ge et
    al., YOLOX, arXiv 2107.08430, section 2.1: 0.95)."""

    chance: float = 0.5
    until: float = 1.0

    trainers: ClassVar[tuple[str, ...]] = ("detectors",)
    after: ClassVar[tuple[str, ...]] = ("batch",)
    partners: ClassVar[int] = 3

    def __post_init__(self) -> None:
        share(self, "chance")
        share(self, "until")

    def __call__(self, scene: Scene, partners: Sequence[Scene], rng: np.random.Generator) -> Scene:
        if rng.random() >= self.chance:
            return scene
        height, width = scene.picture.shape[:2]
        across, down = np.rint(rng.uniform(0.25, 0.75, 2) * (width, height)).astype(int).tolist()
        areas = [
            (0, 0, across, down),
            (across, 0, width, down),
            (0, down, across, height),
            (across, down, width, height),
        ]
        picture, boxes = np.empty_like(scene.picture), []
        for source, area in zip((scene, *partners), areas, strict=True):
            left, top, right, bottom = area
            if right > left and bottom > top:
                part = _cropped(source, area, rng)
                picture[top:bottom, left:right] = part.picture
                boxes.append(shifted(part.boxes, (1, 1), (left, top)))
        return Scene(picture, np.concatenate(boxes))


def _cropped(scene: Scene, area: Area, rng: np.random.Generator) -> Scene:
    """`scene` scaled so that it just covers `area`, and cropped to its size at random."""
    from PIL import Image

    height, width = scene.picture.shape[:2]
    wide, high = area[2] - area[0], area[3] - area[1]
    factor = max(wide / width, high / height)
    spare = np.maximum(0, (width - wide / factor, height - high / factor))  # it may be -1e-14
    left, top = (rng.random(2) * spare).tolist()
    box = (left, top, min(left + wide / factor, width), min(top + high / factor, height))
    image = Image.fromarray(scene.picture)
    picture = np.array(image.resize((wide, high), Image.Resampling.BILINEAR, box=box))
    boxes = shifted(scene.boxes, (factor, factor), (-left * factor, -top * factor))
    return Scene(picture, visible(boxes, wide, high))
