"""Pictures of one colour, as files of every kind that people have."""

import io

import numpy as np
from PIL import Image

RED = (200, 30, 20)


def saved(image: Image.Image, format: str = "PNG", **options) -> bytes:
    out = io.BytesIO()
    image.save(out, format, **options)
    return out.getvalue()


def plain(colour=RED, size=(24, 16), mode="RGB") -> Image.Image:
    return Image.new("RGB", size, colour).convert(mode)


def deep(level: int, size=(6, 4)) -> bytes:
    """A 16-bit grey PNG of one level, 0..65535."""
    return saved(Image.fromarray(np.full(size[::-1], level, np.uint16)))


def turned() -> bytes:
    """A JPEG with a red left half whose EXIF says: turn me by 90 degrees to the right."""
    values = np.zeros((32, 64, 3), np.uint8)
    values[:, :32] = RED
    exif = Image.Exif()
    exif[0x0112] = 6
    return saved(Image.fromarray(values), "JPEG", exif=exif, quality=95)


def animated(format: str) -> bytes:
    frames = [plain(colour) for colour in (RED, (0, 0, 255), (0, 255, 0))]
    options = {"lossless": True} if format == "WEBP" else {}
    return saved(frames[0], format, save_all=True, append_images=frames[1:], **options)


KINDS = {
    "png": saved(plain()),
    "jpeg": saved(plain(), "JPEG", quality=95),
    "progressive jpeg": saved(plain(), "JPEG", quality=95, progressive=True),
    "cmyk jpeg": saved(plain(mode="CMYK"), "JPEG", quality=95),
    "palette": saved(plain().quantize(8)),
    "gif": saved(plain(), "GIF"),
    "animated gif": animated("GIF"),
    "animated webp": animated("WEBP"),
    "animated png": animated("PNG"),
    "bmp": saved(plain(), "BMP"),
    "tiff": saved(plain(), "TIFF"),
    "tiff lzw": saved(plain(), "TIFF", compression="tiff_lzw"),
    "webp": saved(plain(), "WEBP", lossless=True),
    "opaque rgba": saved(plain(mode="RGBA")),
    "ycbcr tiff": saved(plain(mode="YCbCr"), "TIFF"),
}
