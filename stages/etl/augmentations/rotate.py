"""Turns a picture a little."""

from dataclasses import dataclass

import numpy as np

from stages.etl.augmentations import OnPictures, Scene, within
from stages.etl.augmentations.geometry import turned, visible


@dataclass(frozen=True)
class Rotate(OnPictures):
    """Turns by up to `degrees` either way about the middle; corners are filled from the edge, or,
    where there are boxes, with grey, as a mirrored thing would have none.

    A box becomes the upright one around its turned corners: true for what fills its corners, up to
    a third too wide at 15 degrees for what does not, so keep the angle small for boxes."""

    degrees: float = 10.0

    def __post_init__(self) -> None:
        within(self, "degrees", 0, 180)

    def __call__(self, scene: Scene, rng: np.random.Generator) -> Scene:
        from PIL import Image

        angle = float(rng.uniform(-self.degrees, self.degrees))
        height, width = scene.picture.shape[:2]
        # The picture goes into a frame of its own mirror image, so that no corner is made up.
        frame = min(height, width, 1 + int(max(height, width) * abs(np.sin(np.radians(angle)))))
        edges = ((frame, frame), (frame, frame), (0, 0))
        if len(scene.boxes):
            wide = np.pad(scene.picture, edges, mode="constant", constant_values=128)
        else:
            wide = np.pad(scene.picture, edges, mode="symmetric")
        whole = np.asarray(Image.fromarray(wide).rotate(angle, Image.Resampling.BILINEAR))
        picture = whole[frame : frame + height, frame : frame + width].copy()
        return Scene(picture, visible(turned(scene.boxes, angle, width, height), width, height))
