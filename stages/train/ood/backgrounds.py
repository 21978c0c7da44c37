"""Generates backgrounds without an object: colours, noises, textures; (height, width, 3) uint8.

Dead leaves and noise with the spectrum of photos have the statistics of natural pictures, but no
objects: Baradad et al., Learning to See by Looking at Noise, 2021, arXiv 2106.05963."""

import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
Plane = NDArray[np.float64]
Rng = np.random.Generator


def plain(rng: Rng, height: int, width: int) -> Picture:
    """One colour, as of a covered lens or a wall: with a little grain, a little darker at the
    edges."""
    grain = rng.normal(0, rng.uniform(0, 6), (height, width, 1))
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    edges = 1 - rng.uniform(0, 0.3) * (x**2 + y**2)
    return to_bytes(colour(rng) * edges[:, :, None] + grain)


def gradient(rng: Rng, height: int, width: int) -> Picture:
    """From one colour to another across the picture, straight or round."""
    y, x = np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j]
    angle, centre = rng.uniform(0, 2 * np.pi), rng.uniform(0, 1, 2)
    straight = np.cos(angle) * x + np.sin(angle) * y
    run = straight if rng.random() < 0.5 else np.hypot(y - centre[0], x - centre[1])
    return two_colours(rng, scale_to_unit(run))


def noise(rng: Rng, height: int, width: int) -> Picture:
    """Noise whose amplitude falls with the frequency, from white (0) over that of photos (1) to
    brown (2), grey or with correlated colours."""
    exponent = rng.uniform(0, 2.2)
    planes = np.dstack([coloured_noise(rng, height, width, exponent) for _ in range(3)])
    mixing = np.eye(3) * rng.uniform(0, 1) + rng.uniform(0, 1, (3, 3))
    return to_bytes(colour(rng) + rng.uniform(20, 70) * (planes @ mixing))


def clouds(rng: Rng, height: int, width: int) -> Picture:
    """Value noise of several octaves in two or four colours."""
    first = value_noise(rng, height, width, int(rng.integers(2, 7)))
    picture = two_colours(rng, first).astype(np.float64)
    if rng.random() < 0.5:
        share = value_noise(rng, height, width, int(rng.integers(2, 7)))[:, :, None]
        picture = picture * share + two_colours(rng, first) * (1 - share)
    return to_bytes(picture)


def stripes(rng: Rng, height: int, width: int) -> Picture:
    """Stripes at any angle, sharp or soft, straight or bent."""
    bend = rng.uniform(0, 3) * value_noise(rng, height, width, 2) * (rng.random() < 0.5)
    wave = np.sin(2 * np.pi * (rng.uniform(3, 30) * _across(rng, height, width) + bend))
    return two_colours(rng, scale_to_unit(np.clip(wave * rng.choice([1.0, 4.0, 50.0]), -1, 1)))


def checks(rng: Rng, height: int, width: int) -> Picture:
    """Checks, dots or plaid: stripes in two directions."""
    angle, count = rng.uniform(0, np.pi), rng.uniform(3, 20)
    first = np.sin(2 * np.pi * count * _across(rng, height, width, angle))
    second = np.sin(2 * np.pi * count * _across(rng, height, width, angle + np.pi / 2))
    pattern = (first * second, first + second, np.sign(first) + np.sign(second))[
        int(rng.integers(3))
    ]
    return two_colours(rng, scale_to_unit(np.clip(pattern * rng.choice([1.0, 8.0]), -1, 1)))


def mosaic(rng: Rng, height: int, width: int) -> Picture:
    """The Voronoi cells of random points, each in a colour of its own."""
    count = int(rng.integers(8, 120))
    points = rng.uniform(0, 1, (count, 2)) * (height, width)
    y, x = np.mgrid[0:height, 0:width]
    away = [(y - top) ** 2 + (x - left) ** 2 for top, left in points]
    nearest = np.argmin(np.stack(away).astype(np.float32), axis=0)
    colours = np.stack([colour(rng) for _ in range(count)])
    return to_bytes(colours[nearest] + rng.normal(0, rng.uniform(0, 8), (height, width, 1)))


def colour(rng: Rng) -> Plane:
    """A colour, [3] 0..255: mostly dull, as in photos."""
    grey, strong = rng.uniform(10, 245), rng.beta(1, 2)
    return np.clip(grey + strong * rng.uniform(-160, 160, 3), 0, 255)


def two_colours(rng: Rng, share: Plane) -> Picture:
    """`share` [height, width] 0..1 of one colour, the rest of another."""
    first, second = colour(rng), colour(rng)
    return to_bytes(first * share[:, :, None] + second * (1 - share[:, :, None]))


def coloured_noise(rng: Rng, height: int, width: int, exponent: float) -> Plane:
    """Noise of mean 0 and deviation 1 whose amplitude falls as the frequency to the power of minus
    `exponent`."""
    frequency = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None])
    frequency[0, 0] = 1.0
    spectrum = np.fft.rfft2(rng.normal(size=(height, width))) / frequency**exponent
    spectrum[0, 0] = 0
    plane = np.asarray(np.fft.irfft2(spectrum, (height, width)), np.float64)
    return np.asarray(plane / (plane.std() or 1.0))


def value_noise(rng: Rng, height: int, width: int, cells: int) -> Plane:
    """Random values on a grid of `cells` a side and on ever finer ones, interpolated; 0..1."""
    from PIL import Image

    total = np.zeros((height, width))
    for octave in range(5):
        side = min(cells * 2**octave, height, width)
        grid = Image.fromarray(rng.random((side, side), dtype=np.float32))
        smooth = np.asarray(grid.resize((width, height), Image.Resampling.BICUBIC), np.float64)
        total += smooth * 0.5**octave
    return scale_to_unit(total)


def scale_to_unit(plane: Plane) -> Plane:
    """`plane` with its values scaled linearly to 0..1."""
    low, high = plane.min(), plane.max()
    return np.asarray((plane - low) / ((high - low) or 1.0), np.float64)


def to_bytes(values: Plane) -> Picture:
    """`values` rounded and clipped to 0..255, uint8."""
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


def _across(rng: Rng, height: int, width: int, angle: float | None = None) -> Plane:
    """The coordinate of each pixel along a direction, [height, width]; the longer side of the
    picture is 1. `angle`: of the direction, in radians; None: a random one."""
    y, x = np.mgrid[0:height, 0:width] / max(height, width)
    turned = rng.uniform(0, np.pi) if angle is None else angle
    return np.asarray(np.cos(turned) * x + np.sin(turned) * y)
