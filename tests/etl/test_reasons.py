"""Files that cannot be used are counted by reason, each with a file that is there and with what to
do about it."""

import re

import pytest

from stages.runtime.errors import DataError
from tests import makers

POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:ab\nsize 9\n"
HEIC = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(300)
PAGE = b"<!doctype html><html><body>Sign in</body></html>"


def truncated(seed: int) -> bytes:
    return makers.picture("circle", seed, format="JPEG")[: 400 + 10 * seed]


def test_each_reason_is_counted_with_an_example_and_a_remedy(workshop):
    workshop.shapes(12)
    for number in range(5):
        workshop.write(f"circle/heic{number}.heic", HEIC)
    for number in range(3):
        workshop.write(f"square/cut{number}.jpg", truncated(number))
    workshop.write("square/page.jpg", PAGE)
    workshop.write("square/empty.jpg", b"")

    with pytest.raises(DataError) as caught:
        workshop.make()

    text = str(caught.value)
    assert "10 files that cannot be read" in text
    for count, reason, remedy in (
        (5, "an HEIC photo", "as JPEG"),
        (3, "truncated", "copy it again"),
        (1, "a web page", "Download it again"),
        (1, "empty", "Copy it again"),
    ):
        found = re.search(rf"{count} such as '([^']+)': [^;]*{reason}[^;]*{remedy}", text)
        assert found, text
        assert (workshop.raw / found[1]).is_file()


def test_the_page_shows_reasons_and_the_table_has_the_remedies(workshop):
    workshop.shapes(12)
    workshop.write("circle/pointer.jpg", POINTER)

    dataset = workshop.make()

    assert "pointer of git-lfs" in workshop.text(dataset, "page.html")
    assert "git lfs pull" in workshop.text(dataset, "page.html")
    row = workshop.quarantined(dataset)["circle/pointer.jpg"]
    assert "git lfs pull" in row["reason"]


def test_many_reasons_are_told_in_one_sentence_of_bounded_length(workshop):
    workshop.shapes(12)
    for number in range(40):
        workshop.write(f"circle/{number}.png", b"no picture" * (number + 1))

    with pytest.raises(DataError, match=r"40 such as 'circle/0\.png'") as caught:
        workshop.make()

    assert len(str(caught.value)) < 1500


@pytest.mark.parametrize("target", ["/nowhere/1.jpg", "missing.jpg", "loop.jpg"])
def test_a_link_that_leads_nowhere_is_left_out_and_told(workshop, target):
    workshop.shapes(2)
    (workshop.raw / "circle" / "loop.jpg").symlink_to(target)

    revision = workshop.add()

    assert revision.samples == 6
    assert f"circle/loop.jpg to {target}" in "\n".join(revision.summary)


def test_a_link_of_a_table_that_leads_nowhere_is_told(workshop):
    workshop.shapes(2)
    (workshop.raw / "circle" / "link.png").symlink_to("/nowhere/1.png")
    workshop.write("labels.csv", b"file,label\ncircle/link.png,circle\n")

    with pytest.raises(DataError, match=r"link\.png") as caught:
        workshop.add()

    assert "disk space" not in str(caught.value)
