"""Rotates a picture by multiples of 90 degrees."""

from dataclasses import dataclass

import numpy as np

from stages.etl.augmentations import Boxes, OnPictures, Scene, share
from stages.etl.augmentations.geometry import shifted


@dataclass(frozen=True)
class Turn(OnPictures):
    """With probability `chance`, rotates by 90, 180 or 270 degrees, each equally likely, and
    resizes the picture to its size. For objects seen from above or held in any orientation; nothing
    is mirrored, so that letters stay readable."""

    chance: float = 0.75

    def __post_init__(self) -> None:
        share(self, "chance")

    def __call__(self, scene: Scene, rng: np.random.Generator) -> Scene:
        if rng.random() >= self.chance:
            return scene
        picture, boxes = scene
        for _ in range(int(rng.integers(1, 4))):
            boxes = _turned(boxes, picture.shape[1])
            picture = np.rot90(picture)
        return _sized(Scene(np.ascontiguousarray(picture), boxes), scene.picture.shape)


def _turned(boxes: Boxes, width: int) -> Boxes:
    """`boxes` of a picture that is rotated counter-clockwise by 90 degrees."""
    left, top, right, bottom, label = boxes.T
    turned: Boxes = np.stack([top, width - right, bottom, width - left, label], axis=1)
    return turned


def _sized(scene: Scene, shape: tuple[int, ...]) -> Scene:
    """`scene` resized to the height and width of `shape`."""
    from PIL import Image

    if scene.picture.shape == shape:
        return scene
    (high, wide), (height, width) = scene.picture.shape[:2], shape[:2]
    image = Image.fromarray(scene.picture).resize((width, height), Image.Resampling.BILINEAR)
    return Scene(np.array(image), shifted(scene.boxes, (width / wide, height / high), (0, 0)))
