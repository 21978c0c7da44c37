"""Every kind of picture that people have becomes the same thing, or an error that helps."""

import struct
import threading
import warnings
import zlib
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from stages.runtime.errors import BadSample
from stages.runtime.pictures import decode_picture
from tests.runtime import painting
from tests.runtime.painting import RED, plain, saved

KINDS = {
    "png": saved(plain()),
    "jpeg": saved(plain(), "JPEG", quality=95),
    "progressive jpeg": saved(plain(), "JPEG", quality=95, progressive=True),
    "cmyk jpeg": saved(plain(mode="CMYK"), "JPEG", quality=95),
    "palette": saved(plain().quantize(8)),
    "gif": saved(plain(), "GIF"),
    "animated gif": painting.animated("GIF"),
    "animated webp": painting.animated("WEBP"),
    "animated png": painting.animated("PNG"),
    "bmp": saved(plain(), "BMP"),
    "tiff": saved(plain(), "TIFF"),
    "tiff lzw": saved(plain(), "TIFF", compression="tiff_lzw"),
    "webp": saved(plain(), "WEBP", lossless=True),
    "opaque rgba": saved(plain(mode="RGBA")),
    "ycbcr tiff": saved(plain(mode="YCbCr"), "TIFF"),
}


@pytest.mark.parametrize("kind", list(KINDS))
def test_every_kind_becomes_eight_bit_rgb(kind):
    picture = decode_picture(KINDS[kind])

    assert picture.shape == (16, 24, 3)
    assert picture.dtype == np.uint8
    assert np.abs(picture.astype(int) - RED).max() <= 6


def test_a_picture_is_turned_as_its_exif_says():
    picture = decode_picture(painting.turned())

    assert picture.shape == (64, 32, 3)
    assert picture[:28].mean(axis=(0, 1))[0] > 190
    assert picture[36:].mean(axis=(0, 1))[0] < 10


@pytest.mark.parametrize(("level", "grey"), [(0, 0), (257 * 100, 100), (65535, 255)])
def test_sixteen_bits_are_scaled_not_cut_off(level, grey):
    picture = decode_picture(painting.deep(level))

    assert np.unique(picture).tolist() == [grey]
    assert picture.shape == (4, 6, 3)


def test_floats_are_scaled_to_their_range():
    values = np.linspace(0, 1, 24, dtype=np.float32).reshape(4, 6)

    picture = decode_picture(saved(Image.fromarray(values), "TIFF"))

    assert (picture.min(), picture.max()) == (0, 255)


@pytest.mark.parametrize("mode", ["RGBA", "LA", "PA"])
def test_what_can_be_seen_through_lies_on_white(mode):
    clear = Image.new("RGBA", (5, 5), (10, 20, 30, 0)).convert(mode)
    data = saved(clear, "TIFF" if mode == "PA" else "PNG")

    assert np.unique(decode_picture(data)).tolist() == [255]


def test_a_transparent_palette_colour_lies_on_white():
    image = plain().quantize(4)
    data = saved(image, "PNG", transparency=image.getpixel((0, 0)))

    assert np.unique(decode_picture(data)).tolist() == [255]


def test_black_and_white_and_grey():
    assert np.unique(decode_picture(saved(plain((255, 255, 255), mode="1")))).tolist() == [255]
    assert decode_picture(saved(plain((90, 90, 90), mode="L")))[0, 0].tolist() == [90, 90, 90]


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"", "empty"),
        (b"not a picture at all", "known format"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "known format"),
        (saved(plain(size=(300, 300)))[:-200], "cannot be decoded"),
        (saved(plain(size=(300, 300)), "JPEG")[:900], "cannot be decoded"),
        (saved(plain(), "GIF")[:30], "cannot be decoded|known format"),
    ],
)
def test_what_is_no_whole_picture_is_refused_with_a_remedy(data, problem):
    with pytest.raises(BadSample, match=problem) as caught:
        decode_picture(data)

    assert caught.value.remedy


def bomb(side: int) -> bytes:
    """A small PNG that says it is `side` pixels wide and high."""
    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(b"\0" * 1000)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in chunks
    )


@pytest.mark.parametrize("side", [9_500, 12_000, 60_000])
def test_a_decompression_bomb_is_refused_before_it_is_decoded(side):
    with pytest.raises(BadSample, match="too large"):
        decode_picture(bomb(side))


def test_the_limit_may_be_lower():
    with pytest.raises(BadSample, match="24 × 16 pixels, at most 100"):
        decode_picture(saved(plain()), most_pixels=100)


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 255), st.sampled_from(sorted(KINDS)))
def test_a_changed_byte_gives_a_picture_or_a_bad_sample_and_nothing_else(place, change, kind):
    data = bytearray(KINDS[kind])
    data[place % len(data)] ^= change

    with suppress(BadSample):
        picture = decode_picture(bytes(data), most_pixels=1_000_000)
        assert picture.dtype == np.uint8
        assert picture.ndim == 3


def test_decoding_in_many_threads_leaves_the_warning_filters_as_they_were():
    before = list(warnings.filters)
    odd = saved(plain().quantize(4), "PNG", transparency=bytes([0, 128, 255]))

    threads = [threading.Thread(target=decode_picture, args=(odd,)) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert list(warnings.filters) == before
