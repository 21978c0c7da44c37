"""Generates pictures without any of a person's labels, by kind: each a PNG file, equal for an equal
random generator."""

import io
from collections.abc import Callable

import numpy as np
from PIL import Image

from stages.runtime.pictures import shown_picture
from stages.train.ood import backgrounds, drawings, objects, photo_remixes
from stages.train.ood.backgrounds import Picture, Rng

MAX_SIDE = 256  # pixels of a negative's longer side
MIN_SIDE = 16  # pixels of each of its sides
# names of functions in `photo_remixes`, `objects`, `backgrounds` and `drawings`
KINDS = (
    *("clouds", "shuffled", "letters", "stripes", "zoomed", "leaves"),
    *("scrambled", "noise", "shapes", "gradient", "collage", "checks"),
    *("scene", "blurred", "plain", "scribbles", "mosaic", "floor", "things"),
)


class Photos:
    """Gives training photos, whose files `fetch` returns, all at one size, that of the negative:
    about the size of the first photo, within MAX_SIDE and MIN_SIDE."""

    def __init__(self, fetch: Callable[[], bytes]) -> None:
        self.fetch = fetch
        first = shown_picture(fetch())
        scale = min(1.0, MAX_SIDE / max(first.shape[:2]))
        self.height, self.width = (max(MIN_SIDE, round(side * scale)) for side in first.shape[:2])

    def __call__(self) -> Picture:
        """Another photo, at that size."""
        image = Image.fromarray(shown_picture(self.fetch()))
        return np.asarray(image.resize((self.width, self.height), Image.Resampling.BILINEAR))


def negative(kind: str, rng: Rng, fetch: Callable[[], bytes]) -> bytes:
    """A PNG file of a negative of `kind`. `fetch` returns the file of a random training photo,
    another at each call."""
    photos = Photos(fetch)
    for home in (photo_remixes, objects):
        if hasattr(home, kind):
            return _png(getattr(home, kind)(rng, photos))
    home = backgrounds if hasattr(backgrounds, kind) else drawings
    return _png(getattr(home, kind)(rng, photos.height, photos.width))


def _png(picture: Picture) -> bytes:
    out = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(picture)).save(out, "PNG", compress_level=1)
    return out.getvalue()
