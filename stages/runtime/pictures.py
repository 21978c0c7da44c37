"""Decodes picture files of every usual format to arrays."""

import io
import re
from collections.abc import Sequence
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .declaring import declare
from .errors import BackendMissing, BadSample, WorkflowError
from .faults import fault_of
from .heic import FORMAT as HEIF
from .heic import LIBRARY as READS_HEIC
from .heic import can_read_heic, is_heic
from .libraries import at_least
from .pixels import DEEPEST, LEVELS, pixels
from .png_texts import without_texts
from .quiet import quiet
from .rules import several, whole
from .signatures import reason_of

if TYPE_CHECKING:
    from PIL import Image as Pillow

FORMATS = ("JPEG", "MPO", "PNG", "GIF", "BMP", "TIFF", "WEBP", "PPM", "AVIF", "JPEG2000", HEIF)
MAGIC = {
    "JPEG": rb"\xff\xd8",
    "PNG": rb"\x89PNG",
    "GIF": rb"GIF8",
    "BMP": rb"BM",
    "TIFF": rb"II\*\0|MM\0\*|II\+\0|MM\0\+",
    "WEBP": rb"RIFF....WEBP",
    "PPM": rb"P[1-6]",
    "JPEG2000": rb"\0\0\0\x0cjP  |\xff\x4f\xff\x51",
}
START_OF_SCAN, END_OF_IMAGE = b"\xff\xda", 0xD9
STANDING_ALONE = (0x01, 0xD8)  # markers without a length, beside those of restarts
MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
ORIENTATION = 0x0112  # EXIF
TILE_WIDTH, TILE_HEIGHT = 322, 323  # TIFF
TURNED = range(2, 9)
MOST_PIXELS = 89_000_000  # just below the number at which Pillow itself warns
MOST_PIXELS_OF = {  # whose decoders take more than 10 bytes for each pixel
    "WEBP": 50_000_000,
    "AVIF": 45_000_000,
    "JPEG2000": 30_000_000,
    HEIF: 45_000_000,
}
MOST_SIDE = 1_000_000  # to shrink a side, Pillow takes 16 bytes for each of its pixels
MOST_READS, BYTES_A_READ = 20_000, 100  # Pillow reads the headers part by part
MOST_READS_OF_PIXELS = 6_000_000  # and compressed BMPs byte by byte: some seconds
MOST_SCANS = 500  # of a JPEG; usual are 1 and 10, size optimisers make some dozens
MOST_SCANNED_PIXELS = 4_000_000_000  # of all scans together: some seconds


@declare(
    "bytes",
    "picture",
    most_pixels=whole(1, MOST_PIXELS),
    levels=several(whole(0, DEEPEST), 2, 2),
)
def decode_picture(
    data: bytes,
    most_pixels: int = MOST_PIXELS,
    levels: Sequence[int] = (0, DEEPEST),
    facts: dict[str, Any] | None = None,
) -> NDArray[np.uint8]:
    """The picture in `data`, upright, as (H, W, 3) uint8 RGB.

    EXIF orientation is applied; transparent pixels are put on white, unless all are transparent,
    for then their colours are meant; of an animation the first frame is taken; 16 bits are scaled
    to 8, so that `levels` become black and white; grey, palette and CMYK are converted. HEIC is
    read where pillow-heif is installed.

    Writes to `facts`: width and height; of a picture of 16 bits black_level and white_level,
    between which all but the darkest and brightest thousandth of its pixels are; all_transparent,
    if so.

    Raises BadSample if `data` is no complete picture, or one of more than `most_pixels`, which is
    checked before decoding; InfrastructureError if Pillow fails on good pictures too;
    BackendMissing if Pillow is not installed."""
    if not data:
        raise BadSample("The file is empty (0 bytes).", "Copy it again from where it came from.")
    with quiet():
        try:
            picture = _decoded(data, most_pixels, levels, {} if facts is None else facts)
        except WorkflowError:
            raise
        except Exception as error:  # decoders raise nearly anything on bytes made to break them
            decode_good = partial(_decode_good_picture, _format_of(data))
            library = READS_HEIC if is_heic(data) and can_read_heic() else "pillow"
            raise fault_of(error, _bad(error, data), library, decode_good) from error
    if facts is not None:
        facts["height"], facts["width"] = picture.shape[:2]
    return picture


def shown_picture(data: bytes) -> NDArray[np.uint8]:
    """The picture in `data` for people to look at: as `decode_picture` gives it, but 16 bits are
    scaled by the range of this picture alone."""
    facts: dict[str, Any] = {}
    picture = decode_picture(data, facts=facts)
    levels = [facts[name] for name in LEVELS if name in facts]
    return decode_picture(data, levels=levels) if levels else picture


def _decoded(
    data: bytes, most_pixels: int, levels: Sequence[int], facts: dict[str, Any]
) -> NDArray[np.uint8]:
    file = _Bytes(without_texts(data))
    image = _opened(file)
    _check_size(image, most_pixels)
    _check_scans(image, data)
    file.remaining = MOST_READS_OF_PIXELS
    image.load()
    image = _upright(image)  # rebinding frees the image as it was stored
    return pixels(image, levels, facts)


def _opened(file: io.BytesIO) -> "Pillow.Image":
    try:
        from PIL import Image
    except ImportError as error:
        raise BackendMissing(
            f"Pillow is not installed: {error}.", f"Run: pip install '{at_least('pillow')}'"
        ) from error

    Image.init()
    if is_heic(file.getvalue()):
        can_read_heic()
    return Image.open(file, formats=[name for name in FORMATS if name in Image.OPEN])


class _Bytes(io.BytesIO):
    """A file with a limit on the number of reads. Without it, a file of millions of tiny comments
    would keep Pillow busy for minutes."""

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self.remaining = MOST_READS + len(data) // BYTES_A_READ

    def read(self, size: int | None = -1) -> bytes:
        self.remaining -= 1
        if self.remaining < 0:
            raise BadSample(
                "The picture consists of far more parts than pictures do.",
                "Open it in a program for pictures and save it as JPEG or PNG.",
            )
        return super().read(size)


def _bad(error: Exception, data: bytes) -> BadSample:
    """The error to raise if `error` was caused by the bytes of `data`."""
    name = type(error).__name__
    if name == "UnidentifiedImageError":
        if is_heic(data) and can_read_heic():
            return _damaged("it begins as HEIC does, and the rest is none")
        reason = reason_of(data, "picture") or (
            f"The {len(data)} bytes are not a picture of a known format.",
            f"Save it as JPEG or PNG. Readable are: {', '.join(FORMATS)}.",
        )
        return BadSample(*reason)
    if name == "DecompressionBombError":
        return _too_large(str(error))
    return _damaged(str(error).strip().rstrip("."))


def _damaged(how: str) -> BadSample:
    return BadSample(
        f"The picture cannot be decoded: {how}.",
        "It is truncated or damaged: copy it again, or leave it out.",
    )


def _format_of(data: bytes) -> str:
    """Pillow's name of the format by the first bytes of `data`; PNG if they match none, or if this
    Pillow was built without the format, which is no fault of it."""
    from PIL import Image

    if is_heic(data):
        return HEIF if HEIF in Image.SAVE else "PNG"
    if data[4:8] == b"ftyp":
        return "AVIF" if data[8:12] in (b"avif", b"avis") and "AVIF" in Image.OPEN else "PNG"
    return next(
        (name for name, start in MAGIC.items() if re.match(start, data[:16], re.DOTALL)), "PNG"
    )


@lru_cache(maxsize=len(FORMATS))  # one success proves that Pillow works
def _decode_good_picture(name: str) -> None:
    """Make small pictures of the format `name` and decode them. Raises what Pillow raises."""
    from PIL import Image

    options = {"compression": "tiff_lzw"} if name == "TIFF" else {}
    for mode, format in (("RGB", name), ("RGBA", "PNG"), ("I;16", "PNG")):
        out = io.BytesIO()
        Image.new(mode, (8, 8)).save(out, format, **(options if format == name else {}))
        _decoded(out.getvalue(), MOST_PIXELS, (0, DEEPEST), {})


def _check_size(image: "Pillow.Image", most: int) -> None:
    width, height = image.size
    most = min(most, MOST_PIXELS_OF.get(str(image.format), most))
    if width * height > most:
        raise _too_large(f"{width} × {height} pixels, at most {most} are allowed")
    if max(width, height) > MOST_SIDE:
        raise _too_large(f"{width} × {height} pixels, at most {MOST_SIDE} on a side are allowed")
    if width * height == 0:
        raise BadSample(f"The picture has {width} × {height} pixels.", "Export it again.")
    if image.format == "TIFF":
        _check_tiles(image, most)


def _check_tiles(image: "Pillow.Image", most: int) -> None:
    """Raise BadSample for a TIFF with tiles of more than `most` pixels: a tile may be larger than
    the picture, and is decoded whole."""
    tags = image.tag_v2  # type: ignore[attr-defined]
    width, height = tags.get(TILE_WIDTH, 1), tags.get(TILE_HEIGHT, 1)
    if not (isinstance(width, int) and isinstance(height, int) and width * height <= most):
        raise _too_large(f"its tiles have {width} × {height} pixels")


def _check_scans(image: "Pillow.Image", data: bytes) -> None:
    """Raise BadSample if a JPEG has so many scans that decoding would take too long."""
    if image.format not in ("JPEG", "MPO") or data.count(START_OF_SCAN) <= 1:
        return
    scans = _scans(data)
    if scans > MOST_SCANS or scans * image.size[0] * image.size[1] > MOST_SCANNED_PIXELS:
        raise BadSample(
            f"The JPEG has {scans} scans of its {image.size[0]} × {image.size[1]} pixels.",
            "Open it in a program for pictures and save it as a usual JPEG.",
        )


def _scans(data: bytes) -> int:
    """How many scans the first picture in a JPEG file has (ITU T.81, B.1.1)."""
    scans, at = 0, 2
    while (found := MARKER.search(data, at)) is not None:
        kind, at = found.group()[1], found.end()
        if kind == END_OF_IMAGE:
            break
        if kind == START_OF_SCAN[1]:
            scans += 1
        if kind not in STANDING_ALONE:
            at += int.from_bytes(data[at : at + 2], "big")
    return scans


def _upright(image: "Pillow.Image") -> "Pillow.Image":
    from PIL import ImageOps

    try:
        if image.getexif().get(ORIENTATION, 1) not in TURNED:
            return image  # not a copy, as Pillow would give
        return ImageOps.exif_transpose(image)
    except Exception as error:  # EXIF that cannot be read is ignored, if Pillow itself works
        fault = fault_of(error, BadSample("EXIF cannot be read."), "pillow", _turns)
        if isinstance(fault, BadSample):
            return image
        raise fault from error


@lru_cache(maxsize=1)
def _turns() -> None:
    """Turn a small picture as EXIF says. Raises what Pillow raises."""
    from PIL import Image, ImageOps

    image = Image.new("RGB", (2, 1))
    image.getexif()[ORIENTATION] = 6
    ImageOps.exif_transpose(image)


def _too_large(how: str) -> BadSample:
    return BadSample(f"The picture is too large: {how}.", "Make it smaller, or leave it out.")
