"""Changes a picture by operations drawn from a set, all of one strength (Cubuk et al., RandAugment,
2020, arXiv 1909.13719)."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from stages.etl.augmentations import OnPictures, Scene, within

if TYPE_CHECKING:
    from PIL.Image import Image

Change = Callable[["Image", float], "Image"]  # a picture, and a strength from -1 to 1


@dataclass(frozen=True)
class RandAugment(OnPictures):
    """Applies `operations` changes, drawn from the paper's set, with a strength of `strength`, from
    0 to 1. Not for boxes, as some changes move what is in the picture."""

    trainers: ClassVar[tuple[str, ...]] = ("heads",)
    operations: float = 2
    strength: float = 0.4

    def __post_init__(self) -> None:
        within(self, "operations", 1, 8)
        within(self, "strength", 0, 1)

    def __call__(self, scene: Scene, rng: np.random.Generator) -> Scene:
        from PIL import Image

        changes = list(_changes().values())
        picture = Image.fromarray(scene.picture)
        for index in rng.integers(0, len(changes), int(self.operations)):
            picture = changes[index](picture, self.strength * float(rng.choice((-1.0, 1.0))))
        return scene._replace(picture=np.array(picture))


def _changes() -> dict[str, Change]:
    """The paper's operations, with the largest changes of its table in TensorFlow's tpu models."""
    from PIL import ImageEnhance, ImageOps

    def enhanced(kind: Callable[["Image"], ImageEnhance._Enhance]) -> Change:
        return lambda picture, strength: kind(picture).enhance(1 + 0.9 * strength)

    return {
        "identity": lambda picture, _: picture,
        "auto_contrast": lambda picture, _: ImageOps.autocontrast(picture),
        "equalise": lambda picture, _: ImageOps.equalize(picture),
        "posterise": lambda picture, strength: ImageOps.posterize(
            picture, round(8 - 4 * abs(strength))
        ),
        "solarise": lambda picture, strength: ImageOps.solarize(
            picture, round(256 - 256 * abs(strength))
        ),
        "colour": enhanced(ImageEnhance.Color),
        "contrast": enhanced(ImageEnhance.Contrast),
        "brightness": enhanced(ImageEnhance.Brightness),
        "sharpness": enhanced(ImageEnhance.Sharpness),
        "rotate": lambda picture, strength: _moved(picture, rotation=np.radians(30 * strength)),
        "shear_x": lambda picture, strength: _moved(picture, shear=(0.3 * strength, 0)),
        "shear_y": lambda picture, strength: _moved(picture, shear=(0, 0.3 * strength)),
        "translate_x": lambda picture, strength: _moved(picture, shift=(0.45 * strength, 0)),
        "translate_y": lambda picture, strength: _moved(picture, shift=(0, 0.45 * strength)),
    }


def _moved(
    picture: "Image",
    rotation: float = 0.0,
    shear: tuple[float, float] = (0.0, 0.0),
    shift: tuple[float, float] = (0.0, 0.0),
) -> "Image":
    """`picture` rotated about its centre (radians), sheared, or shifted by shares of its sides;
    what comes into view is grey, as in the paper."""
    from PIL import Image

    width, height = picture.size
    cosine, sine = np.cos(rotation), np.sin(rotation)
    matrix = np.array([[cosine, sine + shear[0]], [shear[1] - sine, cosine]])
    centre = np.array([width / 2, height / 2])
    offset = centre - matrix @ centre + np.array(shift) * (width, height)
    rows = np.column_stack([matrix, offset]).ravel().tolist()
    return picture.transform(
        picture.size, Image.Transform.AFFINE, rows, Image.Resampling.BILINEAR, fillcolor=(128,) * 3
    )
