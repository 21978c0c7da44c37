"""Rotates a picture by a small angle."""

from dataclasses import dataclass

import numpy as np

from stages.etl.augmentations import OnPictures, Scene, within
from stages.etl.augmentations.geometry import turned, visible


@dataclass(frozen=True)
class Rotate(OnPictures):
    """Rotates by up to `degrees` in either direction about the centre. Corners are filled with the
    mirrored picture, or with grey if there are boxes, as a mirrored object would have no box.

    A box becomes the upright box around its rotated corners. For an object that does not reach its
    corners this is up to a third too wide at 15 degrees, so keep the angle small for boxes."""

    degrees: float = 10.0

    def __post_init__(self) -> None:
        within(self, "degrees", 0, 180)

    def __call__(self, scene: Scene, rng: np.random.Generator) -> Scene:
        from PIL import Image

        angle = float(rng.uniform(-self.degrees, self.degrees))
        height, width = scene.picture.shape[:2]
        # The picture is padded with its mirror image, which fills the corners after rotation.
        frame = min(height, width, 1 + int(max(height, width) * abs(np.sin(np.radians(angle)))))
        edges = ((frame, frame), (frame, frame), (0, 0))
        if len(scene.boxes):
            wide = np.pad(scene.picture, edges, mode="constant", constant_values=128)
        else:
            wide = np.pad(scene.picture, edges, mode="symmetric")
        whole = np.asarray(Image.fromarray(wide).rotate(angle, Image.Resampling.BILINEAR))
        picture = whole[frame : frame + height, frame : frame + width].copy()
        return Scene(picture, visible(turned(scene.boxes, angle, width, height), width, height))
