"""Generates drawings of no particular object on a background: shapes, leaves, scribbles, letters,
scenes; (height, width, 3) uint8."""

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from stages.train.ood import backgrounds
from stages.train.ood.backgrounds import Picture, Rng

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.,:;-+=()/%&?!"
GROUNDS = (backgrounds.plain, backgrounds.gradient, backgrounds.clouds, backgrounds.noise)


def shapes(rng: Rng, height: int, width: int) -> Picture:
    """A few polygons and ellipses, filled or not."""
    image = ground(rng, height, width)
    draw = ImageDraw.Draw(image)
    for _ in range(int(rng.integers(1, 9))):
        _shape(rng, draw, height, width)
    return np.asarray(image)


def leaves(rng: Rng, height: int, width: int) -> Picture:
    """Dead leaves: ellipses and polygons over each other, few of them large, each with a
    texture."""
    picture = backgrounds.clouds(rng, height, width)
    for _ in range(int(rng.integers(40, 160))):
        mask = Image.new("L", (width, height))
        radius = max(height, width) * min(0.5, 0.03 / rng.random() ** 0.7)
        x, y = rng.uniform(0, 1, 2) * (width, height)
        points = around(rng, x, y, radius)
        ImageDraw.Draw(mask).polygon(points, fill=255)
        picture = np.where(np.asarray(mask)[:, :, None] > 0, _leaf(rng, height, width), picture)
    return picture


def scribbles(rng: Rng, height: int, width: int) -> Picture:
    """Bent lines, as of a pen or of wires."""
    image = ground(rng, height, width)
    draw = ImageDraw.Draw(image)
    for _ in range(int(rng.integers(1, 12))):
        steps = rng.normal(0, 1, (60, 2)).cumsum(axis=0)
        line = steps * max(height, width) / 40 + rng.uniform(0, 1, 2) * (width, height)
        points = [(float(x), float(y)) for x, y in line]
        draw.line(points, fill=fill(rng), width=int(rng.integers(1, 2 + width // 40)))
    return np.asarray(image)


def letters(rng: Rng, height: int, width: int) -> Picture:
    """Lines of random letters, as on a page, a sign or a screen."""
    image = ground(rng, height, width)
    draw, ink = ImageDraw.Draw(image), fill(rng)
    size = rng.uniform(0.04, 0.4) * height
    font = ImageFont.load_default(max(6.0, size))
    for top in np.arange(rng.uniform(0, size), height, 1.25 * size):
        count = int(rng.integers(1, 3 + int(2 * width / size)))
        line = "".join(rng.choice([*LETTERS, " ", " "], count))
        draw.text((rng.uniform(0, width / 5), float(top)), line, fill=ink, font=font)
    return np.asarray(image.rotate(rng.uniform(-20, 20)) if rng.random() < 0.5 else image)


def scene(rng: Rng, height: int, width: int) -> Picture:
    """A floor, a wall, and shaded balls and blocks standing on the floor."""
    image = ground(rng, height, width)
    draw = ImageDraw.Draw(image)
    horizon = int(rng.uniform(0.2, 0.7) * height)
    floor = GROUNDS[int(rng.integers(4))](rng, height - horizon, width)
    image.paste(Image.fromarray(floor), (0, horizon))
    for depth in np.sort(rng.uniform(0.1, 1, int(rng.integers(1, 7)))):
        foot = horizon + depth * (height - horizon)
        side = depth * rng.uniform(0.15, 0.6) * height
        left = rng.uniform(-0.2, 1) * width
        (_ball if rng.random() < 0.5 else _block)(rng, draw, left, foot, side)
    return np.asarray(image)


def ground(rng: Rng, height: int, width: int) -> Image.Image:
    """A random background to draw on, one of GROUNDS."""
    return Image.fromarray(GROUNDS[int(rng.integers(len(GROUNDS)))](rng, height, width))


def fill(rng: Rng, shade: float = 1.0) -> tuple[int, int, int]:
    """A random colour for drawing, 0..255 each, with a share of `shade` (0..1) of its
    brightness."""
    red, green, blue = (int(value * shade) for value in backgrounds.colour(rng))
    return red, green, blue


def _shape(rng: Rng, draw: ImageDraw.ImageDraw, height: int, width: int) -> None:
    x, y = rng.uniform(0, 1, 2) * (width, height)
    points = around(rng, x, y, rng.uniform(0.05, 0.4) * max(height, width))
    if rng.random() < 0.5:
        draw.polygon(points, fill=fill(rng))
    else:
        xs, ys = zip(*points, strict=True)
        box = (min(xs), min(ys), max(xs) + 1, max(ys) + 1)
        draw.ellipse(box, outline=fill(rng), fill=fill(rng) if rng.random() < 0.6 else None)


def around(rng: Rng, x: float, y: float, radius: float) -> list[tuple[float, float]]:
    """The corners of a random polygon around the point (`x`, `y`), none further from it than
    `radius` pixels."""
    angles = np.sort(rng.uniform(0, 2 * np.pi, int(rng.integers(3, 24))))
    away = radius * rng.uniform(0.6, 1, len(angles))
    return [
        (float(x + r * np.cos(angle)), float(y + r * np.sin(angle)))
        for r, angle in zip(away, angles, strict=True)
    ]


def _leaf(rng: Rng, height: int, width: int) -> Picture:
    """The texture of a leaf: one colour, or stripes."""
    base = backgrounds.colour(rng)
    if rng.random() < 0.6:
        return np.broadcast_to(backgrounds.to_bytes(base), (height, width, 3))
    return backgrounds.stripes(rng, height, width)


def _ball(rng: Rng, draw: ImageDraw.ImageDraw, left: float, foot: float, side: float) -> None:
    base = backgrounds.colour(rng)
    for ring in range(12):
        inner = side * ring / 40
        light = tuple(int(value) for value in np.clip(base * (0.5 + ring / 16), 0, 255))
        box = (left + inner, foot - side + inner * 0.6, left + side - inner, foot - inner * 1.4)
        draw.ellipse(box, fill=light)


def _block(rng: Rng, draw: ImageDraw.ImageDraw, left: float, foot: float, side: float) -> None:
    base, high, deep = backgrounds.colour(rng), side * rng.uniform(0.3, 1.5), side * 0.3
    face, beside, above = (tuple(int(value * light) for value in base) for light in (0.8, 0.5, 1))
    right, top = left + side, foot - high
    draw.rectangle((left, top, right, foot), fill=face)
    slope = [(right, foot), (right + deep, foot - deep), (right + deep, top - deep), (right, top)]
    draw.polygon(slope, fill=beside)
    roof = [(left, top), (right, top), (right + deep, top - deep), (left + deep, top - deep)]
    draw.polygon(roof, fill=above)
