"""Files that are damaged, or made to take long or much, are refused before they do."""

import struct
import subprocess
import sys
import threading
import warnings
import zlib
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from stages.runtime import pixels
from stages.runtime.errors import BadSample
from stages.runtime.pictures import decode_picture
from tests.runtime.painting import KINDS, plain, saved


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


def scanned(times: int, size=(64, 64), progressive=True) -> bytes:
    """A JPEG whose last scan stands there so many times more."""
    data = saved(plain(size=size), "JPEG", progressive=progressive)
    last = data.rfind(b"\xff\xda")
    return data[:-2] + data[last:-2] * times + data[-2:]


def png_of(size, depth: int, colour: int, parts: bytes = b"") -> bytes:
    """A PNG of zeros, with more `parts` before its pixels."""

    def chunk(kind, content):
        check = zlib.crc32(kind + content)
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", check)

    width, height = size
    row = 1 + width * depth * {0: 1, 2: 3, 4: 2, 6: 4}[colour] // 8
    head = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    pixels = zlib.compress(bytes(row * height), 1)
    begin, end = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head), chunk(b"IEND", b"")
    return begin + parts + chunk(b"IDAT", pixels) + end


EMPTY_CHUNK = struct.pack(">I", 0) + b"abCd" + struct.pack(">I", zlib.crc32(b"abCd"))


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        pytest.param(scanned(5000), "scans", id="progressive"),
        pytest.param(scanned(5000, progressive=False), "scans", id="sequential"),
        pytest.param(scanned(450, (3500, 3500)), "scans", id="fewer of more pixels"),
        pytest.param(
            b"\xff\xd8" + b"\xff\xfe\0\2" * 99_000 + saved(plain(), "JPEG")[2:],
            "parts",
            id="comments",
        ),
        pytest.param(png_of((8, 8), 8, 2, EMPTY_CHUNK * 99_000), "parts", id="chunks"),
        pytest.param(b"P6" + b" " * 99_000 + b"8 8\n255\n" + bytes(192), "parts", id="spaces"),
        pytest.param(png_of((2_000_000, 1), 8, 0), "too large", id="side"),
    ],
)
def test_a_file_made_to_take_long_is_refused_before_it_does(data, problem):
    with pytest.raises(BadSample, match=problem) as caught:
        decode_picture(data)

    assert caught.value.remedy


@pytest.mark.parametrize("times", [0, 1, 40])
def test_a_jpeg_of_some_dozen_scans_is_usual(times):
    assert decode_picture(scanned(times)).shape == (64, 64, 3)


def test_what_lies_behind_a_jpeg_is_none_of_its_scans():
    photo = saved(plain(), "JPEG", quality=95)

    assert decode_picture(photo + b"\xff\xda" * 5000).shape == (16, 24, 3)


def test_a_compressed_bmp_is_read_byte_by_byte_and_is_a_picture():
    pairs = (b"\1\0\1\1" * 150 + b"\0\0") * 200 + b"\0\1"
    head = struct.pack("<IHHI", 0, 0, 0, 62)
    info = struct.pack("<IiiHHIIiiII", 40, 300, 200, 1, 8, 1, len(pairs), 0, 0, 2, 0)

    picture = decode_picture(b"BM" + head + info + bytes(4) + b"\xff" * 4 + pairs)

    assert picture.shape == (200, 300, 3)
    assert set(np.unique(picture)) == {0, 255}


@pytest.mark.parametrize("mode", ["I;16", "I", "F", "RGBA", "LA", "CMYK", "P", "L"])
def test_strips_make_the_picture_that_the_whole_makes(mode, monkeypatch):
    values = np.random.default_rng(0).integers(0, 255, (40, 30), np.uint8)
    image = Image.fromarray(values).convert("RGB" if mode in ("CMYK", "P") else "L")
    image = Image.fromarray(values.astype(np.uint16) * 250) if mode == "I;16" else image
    data = saved(image.convert(mode) if mode != "I;16" else image, "TIFF")
    whole = decode_picture(data)

    monkeypatch.setattr(pixels, "STRIP_PIXELS", 30 * 7)

    np.testing.assert_array_equal(decode_picture(data), whole)


@pytest.mark.service
@pytest.mark.skipif(sys.platform != "linux", reason="memory is measured by the kernel's files")
@pytest.mark.parametrize("kind", [(16, 0), (16, 6), (8, 6), (1, 0)], ids=str)
def test_the_largest_picture_takes_less_than_a_gigabyte(kind, tmp_path):
    (tmp_path / "large.png").write_bytes(png_of((9400, 9400), *kind))
    child = "import sys; from stages.runtime.pictures import decode_picture as decode;"
    child += "print(decode(open(sys.argv[1], 'rb').read()).shape);"
    # not ru_maxrss: a child begins with that of the tests' own process
    child += "print(*(line for line in open('/proc/self/status') if line.startswith('VmHWM')))"

    command = [sys.executable, "-c", child, str(tmp_path / "large.png")]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE)
    shape, peak = done.stdout.splitlines()[:2]

    assert shape == b"(9400, 9400, 3)"
    assert int(peak.split()[1]) * 1024 < 1_000_000_000
