"""Every kind of picture that people have becomes the same thing, or an error that helps."""

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from stages.etl.readers.files import size_of
from stages.runtime.errors import BadSample
from stages.runtime.pictures import decode_picture
from tests.runtime import painting
from tests.runtime.painting import KINDS, RED, plain, saved


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


def test_black_and_white_and_grey():
    assert np.unique(decode_picture(saved(plain((255, 255, 255), mode="1")))).tolist() == [255]
    assert decode_picture(saved(plain((90, 90, 90), mode="L")))[0, 0].tolist() == [90, 90, 90]
