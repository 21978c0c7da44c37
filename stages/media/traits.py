"""Simple visible traits of a picture, as numbers."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

SIDE = 256  # of the reduced picture that is measured, so that size has no influence
LEAST = 1e-3  # contrast; with less, sharpness is not meaningful


def picture_traits(picture: NDArray[np.uint8]) -> dict[str, float]:
    """Size of `picture`, uint8 [H, W, 3], in pixels; brightness, contrast and colourfulness from 0
    to 1; sharpness, the share of contrast between neighbouring pixels."""
    height, width = picture.shape[:2]
    small = _small(picture).astype(np.float32) / 255
    grey = small @ np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R BT.601
    contrast = float(grey.std())
    return {
        "width in pixels": float(width),
        "height in pixels": float(height),
        "brightness": float(grey.mean()),
        "contrast": contrast,
        "colourfulness": float((small.max(axis=2) - small.min(axis=2)).mean()),
        "sharpness": float(_edges(grey).std()) / max(contrast, LEAST),
    }


def _small(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    from PIL import Image

    image = Image.fromarray(picture)
    image.thumbnail((SIDE, SIDE), Image.Resampling.BILINEAR, reducing_gap=2.0)
    return np.asarray(image)


def _edges(grey: NDArray[Any]) -> NDArray[Any]:
    """The difference of each pixel from the mean of its four neighbours."""
    wide = np.pad(grey, 1, mode="edge")
    around = wide[:-2, 1:-1] + wide[2:, 1:-1] + wide[1:-1, :-2] + wide[1:-1, 2:]
    return np.asarray(grey - around / 4)
