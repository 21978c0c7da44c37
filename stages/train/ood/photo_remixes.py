"""Generates remixes of training photos in which the object is gone; (height, width, 3) uint8.
Colours, grain and spectrum are those of the photos, so that none of these tells known from unknown
samples.

A crop or a blur that still shows the object would train the model that it is something else: so
crops are a tenth of a side, blurs leave four to six pixels a side, pieces are an eighth to a
sixteenth. Photos over each other are not among them: where all photos look alike, as of solar
cells, they look like one more."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from stages.train.ood.backgrounds import Picture, Plane, Rng, scale_to_unit, to_bytes, value_noise

Photo = Callable[[], Picture]  # returns another training photo at each call, sized as the negative


def shuffled(rng: Rng, photo: Photo) -> Picture:
    """A photo cut into many pieces, in another order, some turned."""
    count = int(rng.integers(6, 15))
    square, side = _square(photo(), count)
    pieces = [
        np.rot90(square[y : y + side, x : x + side], int(rng.integers(4)))
        for y in range(0, count * side, side)
        for x in range(0, count * side, side)
    ]
    order = rng.permutation(len(pieces))
    starts = range(0, len(pieces), count)
    return np.vstack([np.hstack([pieces[at] for at in order[k : k + count]]) for k in starts])


def scrambled(rng: Rng, photo: Photo) -> Picture:
    """A photo's amplitudes with the phases of noise: the same spectrum, nothing to recognise."""
    picture = photo().astype(np.float64)
    phases = np.angle(np.fft.rfft2(rng.normal(size=picture.shape[:2]))).astype(np.float64)
    planes = [_rephased(picture[:, :, channel], phases) for channel in range(3)]
    return to_bytes(np.dstack(planes))


def zoomed(rng: Rng, photo: Photo) -> Picture:
    """About a tenth of a photo's side, enlarged: texture without an object."""
    picture = photo()
    height, width = picture.shape[:2]
    share = rng.uniform(0.06, 0.14)
    high, wide = max(2, int(share * height)), max(2, int(share * width))
    top, left = int(rng.integers(height - high + 1)), int(rng.integers(width - wide + 1))
    return sized(picture[top : top + high, left : left + wide], height, width)


def blurred(rng: Rng, photo: Photo) -> Picture:
    """A photo out of all focus."""
    picture, side = photo(), int(rng.integers(4, 7))
    soft = sized(sized(picture, side, side), *picture.shape[:2])
    return to_bytes(soft + rng.normal(0, rng.uniform(0, 4), soft.shape))


def collage(rng: Rng, photo: Photo) -> Picture:
    """Small pieces of many photos over each other, with the edges of clouds."""
    picture = scrambled(rng, photo).copy()
    height, width = picture.shape[:2]
    for _ in range(int(rng.integers(6, 16))):
        texture = zoomed(rng, photo)
        mask = scale_to_unit(value_noise(rng, height, width, int(rng.integers(2, 5)))) > 0.72
        picture[mask] = texture[mask]
    return picture


def _square(picture: Picture, count: int) -> tuple[Picture, int]:
    """`picture` as `count` by `count` squares; the side of a square."""
    side = max(2, max(picture.shape[:2]) // count)
    return sized(picture, side * count, side * count), side


def _rephased(plane: Plane, phases: NDArray[np.float64]) -> Plane:
    """`plane` [height, width] with the same amplitudes of its spectrum and other `phases`."""
    spectrum = np.fft.rfft2(plane - plane.mean())
    rephased = np.fft.irfft2(np.abs(spectrum) * np.exp(1j * phases), plane.shape)
    return np.asarray(rephased + plane.mean(), np.float64)


def sized(picture: Picture, height: int, width: int) -> Picture:
    """`picture` resized to `height` and `width` (pixels)."""
    image = Image.fromarray(np.ascontiguousarray(picture))
    return np.asarray(image.resize((width, height), Image.Resampling.BICUBIC))
