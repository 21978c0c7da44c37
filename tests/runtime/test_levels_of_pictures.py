"""Pictures of 16 bits keep their levels, and transparent ones the colours that are meant."""

import io

import numpy as np
import pytest
from PIL import Image

from stages.runtime import steps as runtime
from stages.runtime.pictures import decode_picture, shown_picture
from tests.runtime import painting
from tests.runtime.painting import plain, saved


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
