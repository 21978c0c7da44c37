"""Every kind of picture that people have: used as on the device, or quarantined with a reason."""

import io

import pytest
from PIL import Image

from stages.runtime.errors import DataError
from stages.runtime.pictures import decode_picture
from tests import makers
from tests.runtime import painting

GOOD = makers.picture("circle", 500)


def converted(mode: str, format: str) -> bytes:
    image = Image.open(io.BytesIO(GOOD))
    return painting.saved(image.convert(mode), format)


def bomb() -> bytes:
    """A small file that would decode to four hundred million pixels."""
    return painting.saved(Image.new("1", (20_000, 20_000)), "PNG")


USABLE = {
    "cmyk.jpg": converted("CMYK", "JPEG"),
    "palette.gif": converted("P", "GIF"),
    "grey.png": converted("L", "PNG"),
    "deep.png": painting.deep(30_000, (16, 12)),
    "turned.jpg": painting.turned(),
    "moving.gif": painting.animated("GIF"),
}
BROKEN = {
    "empty.png": (b"", "empty"),
    "text.png": (b"this is a letter, not a photo", "not a picture"),
    "truncated.jpg": (converted("RGB", "JPEG")[:600], "cannot be decoded"),
    "corrupt.png": (GOOD[:200] + bytes(200) + GOOD[400:], "cannot be decoded"),
    "bomb.png": (bomb(), "too large"),
    "tiny.png": (makers.picture("circle", 1, side=6), "shorter side has 6 pixels"),
}


def test_every_kind_of_whole_picture_is_used_as_the_device_sees_it(workshop):
    workshop.shapes(12)
    for name, data in USABLE.items():
        workshop.write(f"circle/{name}", data)

    dataset = workshop.make()

    facts = {sample.file: sample.facts for sample in workshop.samples(dataset)}
    sizes = {
        file: (sample_facts["height"], sample_facts["width"])
        for file, sample_facts in facts.items()
    }
    for name, data in USABLE.items():
        assert sizes[f"circle/{name}"] == decode_picture(data).shape[:2]
    assert sizes["circle/turned.jpg"] == (64, 32)
    assert not workshop.quarantined(dataset)


def test_broken_pictures_are_quarantined_each_with_its_reason(workshop):
    workshop.shapes(12)
    for name, (data, _) in BROKEN.items():
        workshop.write(f"square/{name}", data)

    dataset = workshop.make(max_quarantine=0.2)

    quarantined = workshop.quarantined(dataset)
    assert {name: row["kind"] for name, row in quarantined.items()} == dict.fromkeys(
        (f"square/{name}" for name in BROKEN), "broken"
    )
    for name, (_, message) in BROKEN.items():
        assert message in quarantined[f"square/{name}"]["reason"]
        assert (workshop.raw / "square" / name).exists()
    assert len(workshop.samples(dataset)) == 36
    assert set(workshop.validation(dataset)["readable"]["files"]) < set(quarantined)


def test_too_many_broken_pictures_stop_the_stage(workshop):
    workshop.shapes(12)
    for name, (data, _) in BROKEN.items():
        workshop.write(f"square/{name}", data)

    with pytest.raises(DataError, match=r"6 of 42 samples \(14%\).*allows 10%") as raised:
        workshop.make()

    assert "5 files that cannot be read" in str(raised.value)
    assert "1 file smaller" in str(raised.value)


def test_nothing_but_broken_pictures_is_told(workshop):
    for label in "ab":
        workshop.write(f"{label}/x.png", b"no picture")

    with pytest.raises(DataError, match=r"2 of 2 samples \(100%\) are unusable"):
        workshop.make()
