"""Corrupts pictures as other cameras, light and transmission do (Hendrycks and Dietterich,
Benchmarking Neural Network Robustness to Common Corruptions and Perturbations, 2019, arXiv
1903.12261; five of their kinds, about their severity 3)."""

import io
from collections.abc import Callable

import numpy as np
from PIL import Image, ImageEnhance, ImageFilter

SIDE = 512  # the longer side of a corrupted picture, so that its strength is the same for all

Change = Callable[[Image.Image, np.random.Generator], Image.Image]


def noisy(picture: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Gaussian noise with a deviation of 0.18."""
    values = np.asarray(picture, np.float32)
    noise = rng.normal(0, 0.18 * 255, values.shape)
    return Image.fromarray(np.clip(values + noise, 0, 255).astype(np.uint8))


def blurred(picture: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Out of focus."""
    return picture.filter(ImageFilter.GaussianBlur(4))


def flat(picture: Image.Image, rng: np.random.Generator) -> Image.Image:
    """A fifth of the contrast."""
    return ImageEnhance.Contrast(picture).enhance(0.2)


def bright(picture: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Overexposed."""
    return ImageEnhance.Brightness(picture).enhance(1.6)


def compressed(picture: Image.Image, rng: np.random.Generator) -> Image.Image:
    """JPEG of quality 15."""
    stream = io.BytesIO()
    picture.save(stream, "JPEG", quality=15)
    return Image.open(stream).convert("RGB")


KINDS: tuple[Change, ...] = (noisy, blurred, flat, bright, compressed)


def corrupted(data: bytes, number: int) -> bytes:
    """The picture of a file, corrupted, as PNG; `number` chooses the kind and seeds the noise."""
    picture = Image.open(io.BytesIO(data)).convert("RGB")
    picture.thumbnail((SIDE, SIDE))
    stream = io.BytesIO()
    changed = KINDS[number % len(KINDS)](picture, np.random.default_rng(number))
    changed.save(stream, "PNG")
    return stream.getvalue()
