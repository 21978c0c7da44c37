"""Generates unknown objects on the background of training photos; (height, width, 3) uint8. Without
them a model may tell known from unknown samples by the background alone."""

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from stages.train.ood import backgrounds, drawings
from stages.train.ood.backgrounds import Picture, Rng
from stages.train.ood.photo_remixes import Photo, scrambled, shuffled, sized, zoomed

EDGE_SHARE = 0.12  # of the shorter side: so near to its edge, a photo is mostly background


def floor(rng: Rng, photo: Photo) -> Picture:
    """The background of a photo without its object: an edge of it, mirrored over and over."""
    picture = photo()
    height, width = picture.shape[:2]
    deep = max(4, int(EDGE_SHARE * min(height, width)))
    edges = (picture[:deep], picture[-deep:], picture[:, :deep], picture[:, -deep:])
    edge = edges[int(rng.integers(4))]
    strip = edge if edge.shape[0] == deep else edge.transpose(1, 0, 2)
    times = -(-max(height, width) // (2 * deep))
    tiled = np.concatenate([np.concatenate([strip, strip[::-1]])] * times)
    turned = tiled if rng.random() < 0.5 else tiled.transpose(1, 0, 2)
    return sized(turned[:, : tiled.shape[1]], height, width)


def things(rng: Rng, photo: Photo) -> Picture:
    """One to five objects of random form and texture, each with a shadow, on the background of a
    photo."""
    image = Image.fromarray(floor(rng, photo))
    for _ in range(int(rng.integers(1, 6))):
        texture = Image.fromarray(_texture(rng, photo, image.height, image.width))
        form = _form(rng, image.height, image.width)
        shadow = form.filter(ImageFilter.GaussianBlur(max(1, image.width // 40)))
        away = int(rng.integers(1, 2 + image.width // 30))
        dark = Image.new("RGB", image.size, (0, 0, 0))
        offset = Image.new("L", image.size)
        offset.paste(shadow.point(lambda value: value // 2), (away, away))
        image.paste(dark, (0, 0), offset)
        image.paste(texture, (0, 0), form.filter(ImageFilter.GaussianBlur(0.7)))
    return np.asarray(image)


def _form(rng: Rng, height: int, width: int) -> Image.Image:
    """The mask of an object: a box, an ellipse, a polygon or a blob, rotated."""
    mask = Image.new("L", (width, height))
    draw = ImageDraw.Draw(mask)
    side = rng.uniform(0.15, 0.7) * min(height, width)
    high, wide = side * rng.uniform(0.2, 1), side
    x, y = rng.uniform(0.2, 0.8) * width, rng.uniform(0.2, 0.8) * height
    box = (x - wide / 2, y - high / 2, x + wide / 2, y + high / 2)
    match int(rng.integers(4)):
        case 0:
            draw.rounded_rectangle(box, rng.uniform(0, high / 2), fill=255)
        case 1:
            draw.ellipse(box, fill=255)
        case 2:
            draw.polygon(drawings.around(rng, x, y, side / 2), fill=255)
        case _:
            draw.ellipse(box, fill=255)
            cloud = backgrounds.value_noise(rng, height, width, 4) > 0.45
            mask = Image.fromarray(np.where(cloud, np.asarray(mask), 0).astype(np.uint8))
    return mask.rotate(rng.uniform(0, 360), center=(x, y))


def _texture(rng: Rng, photo: Photo, height: int, width: int) -> Picture:
    """The texture of an object: of photos, or drawn."""
    if rng.random() < 0.5:
        picture = (zoomed, scrambled, shuffled)[int(rng.integers(3))](rng, photo)
        return sized(picture, height, width)
    makers = (
        backgrounds.plain,
        backgrounds.gradient,
        backgrounds.clouds,
        backgrounds.stripes,
        drawings.letters,
    )
    return makers[int(rng.integers(len(makers)))](rng, height, width)
