"""Every kind of picture that people have becomes the same thing, or an error that helps."""

import io
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
from PIL.PngImagePlugin import PngInfo

from stages.etl.readers.files import size_of
from stages.runtime import pixels
from stages.runtime import steps as runtime
from stages.runtime.errors import BadSample
from stages.runtime.pictures import decode_picture, shown_picture
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


def thermal(low: int, high: int, dead: int = 0, size=(64, 48)) -> bytes:
    """A 16-bit PNG with levels from `low` to `high`, and `dead` pixels of the highest level."""
    values = np.linspace(low, high, size[0] * size[1]).astype(np.uint16)
    values[:dead] = 65535
    return saved(Image.fromarray(values.reshape(size[::-1])))


def test_sixteen_bits_are_stretched_between_the_levels_that_the_step_declares():
    steps = [{"step": "decode_picture", "args": {"levels": [30_000, 31_500]}}]
    facts = {}

    narrow = decode_picture(thermal(30_000, 31_500), facts=facts)
    stretched = runtime.run(steps, thermal(30_000, 31_500))
    beyond = runtime.run(steps, thermal(20_000, 60_000))

    assert len(np.unique(narrow)) == 7
    assert len(np.unique(stretched)) == 256
    assert (beyond.min(), beyond.max()) == (0, 255)
    assert facts["black_level"] == pytest.approx(30_000, abs=5)
    assert facts["white_level"] == pytest.approx(31_500, abs=5)


@pytest.mark.parametrize("mode", ["I;16", "I"])
def test_a_few_dead_pixels_do_not_widen_the_levels(mode):
    image = Image.open(io.BytesIO(thermal(1000, 2000, dead=2)))
    facts = {}

    decode_picture(saved(image.convert(mode), "TIFF"), facts=facts)

    assert facts["white_level"] <= 2000


def test_levels_change_nothing_in_a_picture_of_eight_bits():
    photo, facts = saved(plain((90, 90, 90), mode="L")), {}

    np.testing.assert_array_equal(
        decode_picture(photo, levels=(30_000, 31_500), facts=facts), decode_picture(photo)
    )
    assert set(facts) == {"width", "height"}


def test_a_picture_to_look_at_uses_all_of_its_own_levels():
    assert len(np.unique(shown_picture(thermal(30_000, 31_500)))) > 250


def noise(mode: str, alpha: int) -> Image.Image:
    values = np.random.default_rng(0).integers(0, 255, (8, 8, 4), np.uint8)
    values[..., 3] = alpha
    return Image.fromarray(values).convert(mode)


@pytest.mark.parametrize(
    ("mode", "format"),
    [("RGBA", "PNG"), ("LA", "PNG"), ("RGBA", "TIFF"), ("LA", "TIFF"), ("RGBA", "WEBP")],
)
def test_colours_below_an_alpha_of_zeros_alone_are_meant(mode, format):
    options = {"lossless": True, "exact": True} if format == "WEBP" else {}
    clear, facts = noise(mode, 0), {}

    picture = decode_picture(saved(clear, format, **options), facts=facts)

    np.testing.assert_array_equal(picture, np.asarray(clear.convert("RGB")))
    assert facts["all_transparent"] == 1


def test_colours_below_an_alpha_that_is_used_are_not():
    values = np.array(noise("RGBA", 0))
    values[0, 0, 3] = 255
    facts = {}

    picture = decode_picture(saved(Image.fromarray(values)), facts=facts)

    assert picture[1:].min() == 255
    assert "all_transparent" not in facts


def with_texts(count: int, size: int, packed: bool) -> bytes:
    texts = PngInfo()
    for number in range(count):
        texts.add_text(f"text{number}", "x" * size, zip=packed)
    return saved(plain(), pnginfo=texts)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(with_texts(1, 2_000_000, packed=True), id="packed"),
        pytest.param(with_texts(1, 2_000_000, packed=False), id="plain"),
        pytest.param(with_texts(80, 900_000, packed=True), id="many"),
        pytest.param(saved(plain(), icc_profile=bytes(3_000_000)), id="profile"),
    ],
)
def test_long_texts_in_a_png_are_no_hindrance(data):
    assert np.unique(decode_picture(data).reshape(-1, 3), axis=0).tolist() == [list(RED)]


def test_a_png_is_turned_as_its_exif_says_beside_long_texts():
    texts, exif = PngInfo(), Image.Exif()
    texts.add_text("text", "x" * 2_000_000, zip=True)
    exif[0x0112] = 6

    assert decode_picture(saved(plain(), pnginfo=texts, exif=exif)).shape == (24, 16, 3)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("compression", [None, "tiff_lzw"])
def test_a_tiff_is_turned_like_any_other_picture(orientation, compression, tmp_path):
    values = np.zeros((32, 64, 3), np.uint8)
    values[:16, :32] = RED
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"compression": compression} if compression else {}
    tiff = saved(Image.fromarray(values), "TIFF", exif=exif, **options)

    picture = decode_picture(tiff)

    np.testing.assert_array_equal(
        picture, decode_picture(saved(Image.fromarray(values), "PNG", exif=exif))
    )
    (tmp_path / "x.tiff").write_bytes(tiff)
    assert size_of(tmp_path / "x.tiff") == picture.shape[1::-1]


def test_of_several_pictures_in_an_mpo_the_first_is_taken():
    frames = [plain(colour, (60, 40)) for colour in (RED, (0, 0, 255))]

    picture = decode_picture(saved(frames[0], "MPO", save_all=True, append_images=frames[1:]))

    assert np.abs(picture.astype(int) - RED).max() <= 2


NAMED = {
    "heic": (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(300), "HEIC", "JPEG"),
    "git-lfs": (b"version https://git-lfs.github.com/spec/v1\noid sha256:ab\nsize 9\n",
                "pointer of git-lfs", "git lfs pull"),
    "git-annex": (b"../../.git/annex/objects/aa/bb/SHA256E-s1--x.jpg/SHA256E-s1--x.jpg",
                  "pointer of git-annex", "git annex get"),
    "web page": (b"\n<!DOCTYPE html>\n<html>", "a web page", "Download it again"),
    "error": (b'{"error": "quota"}', "an error message", "Download it again"),
    "svg": (b'<?xml version="1.0"?>\n<svg xmlns="x"/>', "SVG", "JPEG or PNG"),
    "zeros": (bytes(5000), "only zeros", "Copy it again"),
    "zip": (b"PK\x03\x04" + bytes(90), "a zip archive", "Unpack it"),
    "video": (b"\0\0\0\x18ftypmp42" + bytes(90), "a video", "Leave it out"),
    "sound": (b"RIFF\0\0\0\0WAVEfmt " + bytes(90), "a sound and not a picture", "Leave it out"),
}  # fmt: skip


@pytest.mark.parametrize("kind", list(NAMED))
def test_what_is_no_picture_is_called_by_its_name(kind):
    data, problem, remedy = NAMED[kind]

    with pytest.raises(BadSample, match=problem) as caught:
        decode_picture(data)

    assert remedy in caught.value.remedy


def test_a_truncated_avif_is_not_said_to_be_a_format_that_is_not_read():
    with pytest.raises(BadSample, match="cannot be decoded"):
        decode_picture(saved(plain(size=(300, 300)), "AVIF")[:-50])


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
