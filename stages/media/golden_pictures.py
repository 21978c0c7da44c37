"""Generated pictures for the selftest of packages.

Together they cover every branch of decoding that could differ between machines."""

import io

import numpy as np
from numpy.typing import NDArray

HEIGHT, WIDTH = 96, 128
UPRIGHT_IF_TURNED = 6  # EXIF orientation: turn by 90 degrees
ORIENTATION = 0x0112


def golden_pictures() -> dict[str, bytes]:
    """The pictures by their file names in the package; always the same bytes."""
    from PIL import Image

    waves = _waves()
    clear = np.dstack([waves, np.linspace(0, 255, HEIGHT * WIDTH).reshape(HEIGHT, WIDTH)])
    deep = (waves[:, :, 0].astype(np.uint16) << 8) | waves[:, :, 1]
    turned = Image.Exif()
    turned[ORIENTATION] = UPRIGHT_IF_TURNED
    return {
        "golden/plain.png": _saved(Image.fromarray(waves), "PNG"),
        "golden/clear.png": _saved(Image.fromarray(clear.astype(np.uint8)), "PNG"),
        "golden/deep.png": _saved(Image.fromarray(deep), "PNG"),
        "golden/turned.jpg": _saved(Image.fromarray(waves[::-1]), "JPEG", exif=turned, quality=95),
    }


def generated_picture(seed: int) -> bytes:
    """A PNG of coloured patches, coarse or fine, with an ellipse and noise, drawn by `seed`."""
    from PIL import Image, ImageDraw

    rng = np.random.default_rng([seed, 5])
    cells = int(rng.integers(1, 13))
    patches = rng.integers(0, 256, (cells, cells, 3), dtype=np.uint8)
    image = Image.fromarray(patches).resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC)
    left, top = (int(rng.integers(side // 2)) for side in (WIDTH, HEIGHT))
    right, bottom = (int(rng.integers(side // 2, side)) for side in (WIDTH, HEIGHT))
    colour = tuple(int(level) for level in rng.integers(0, 256, 3))
    ImageDraw.Draw(image).ellipse((left, top, right, bottom), fill=colour)
    noise = rng.normal(0, float(rng.choice([0, 8, 40])), (HEIGHT, WIDTH, 3))
    noisy = np.clip(np.asarray(image) + noise, 0, 255).astype(np.uint8)
    return _saved(Image.fromarray(noisy), "PNG")


def _waves() -> NDArray[np.uint8]:
    """Smooth coloured waves with a noisy corner, which reveals differences in resizing."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    channels = [np.sin(x / (5 + 3 * k)) + np.cos(y / (11 - 2 * k)) for k in range(3)]
    waves = np.rint((np.dstack(channels) + 2) * 255 / 4).astype(np.uint8)
    noise = np.random.default_rng(0).integers(0, 256, (HEIGHT // 2, WIDTH // 2, 3), dtype=np.uint8)
    waves[: HEIGHT // 2, : WIDTH // 2] = noise
    return waves


def _saved(image: object, format: str, **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, format, **options)  # type: ignore[attr-defined]
    return out.getvalue()
