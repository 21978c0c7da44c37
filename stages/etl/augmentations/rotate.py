"""Turns a picture a little."""

from dataclasses import dataclass

import numpy as np

from stages.etl.augmentations import Picture, within


@dataclass(frozen=True)
class Rotate:
    """Turns by up to `degrees` either way about the middle; corners are filled from the edge."""

    degrees: float = 10.0

    def __post_init__(self) -> None:
        within(self, "degrees", 0, 180)

    def __call__(self, picture: Picture, rng: np.random.Generator) -> Picture:
        from PIL import Image

        angle = float(rng.uniform(-self.degrees, self.degrees))
        height, width = picture.shape[:2]
        # The picture goes into a frame of its own mirror image, so that no corner is made up.
        frame = min(height, width, 1 + int(max(height, width) * abs(np.sin(np.radians(angle)))))
        edges = ((frame, frame), (frame, frame), (0, 0))
        wide = Image.fromarray(np.pad(picture, edges, mode="symmetric"))
        turned = np.asarray(wide.rotate(angle, Image.Resampling.BILINEAR))
        return turned[frame : frame + height, frame : frame + width].copy()
