"""The data page: everything a person has to see, in one file that needs no other."""

import io
import json
import re

import numpy as np
import pytest
from PIL import Image

from stages.etl.page import OPEN
from stages.pages.translation import missing_texts
from tests import makers


def test_it_shows_counts_findings_pictures_and_what_was_quarantined(workshop):
    workshop.shapes(10)
    workshop.write("circle/<b>broken.png", b"no picture")
    workshop.write("circle/again.png", makers.picture("circle", 1))

    page = workshop.text(workshop.make(augmentations=["horizontal_flip", "rotate"]), "page.html")

    texts = (*makers.LABELS, "1 file that", "circle/&lt;b&gt;broken.png",
            "are not a picture", "horizontal_flip", "degrees 10.0", "was deleted")  # fmt: skip
    for text in texts:
        assert text in page
    assert page.count("data:image/jpeg;base64,") > 30
    assert missing_texts(page, "zh") == []


def near_copies(workshop, count: int) -> None:
    """Write `count` photos of circles again, a little brighter, as squares."""
    workshop.shapes(10)
    for number in range(count):
        data = np.asarray(Image.open(io.BytesIO(makers.picture("circle", number))).convert("RGB"))
        brighter = np.minimum(data.astype(int) + 3, 255).astype(np.uint8)
        file = io.BytesIO()
        Image.fromarray(brighter).save(file, "PNG")
        workshop.write(f"square/copy {number}.png", file.getvalue())


def findings_of(page: str) -> str:
    return page[page.index("<h2>Findings") : page.index("<h2>Thumbnails")]


@pytest.mark.parametrize("count", [1, 9])
def test_every_suspect_is_shown_with_the_partner_that_it_resembles(workshop, count):
    near_copies(workshop, count)

    found = findings_of(workshop.text(workshop.make(), "page.html"))

    assert f"{2 * count} files that look like one of another label" in found
    groups = found.split('<div class="tiles together">')[1:]
    assert len(groups) == count
    for group in groups:
        names = re.findall(r"(circle|square)/([^<]+?)\.png", group.partition("</details>")[0])
        assert [label for label, _ in names[:2]] == ["circle", "square"]
        assert names[1][1] == f"copy {int(names[0][1])}"
    assert ("<details>" in found) == (2 * count > OPEN)


def test_a_heading_says_what_was_found_and_files_are_named_once(workshop):
    near_copies(workshop, 1)
    workshop.write("circle/broken.png", b"no picture")

    found = findings_of(workshop.text(workshop.make(), "page.html"))

    assert "<h3>2 files that look like one of another label <" in found
    assert missing_texts(found, "zh") == []
    assert "no near duplicates" not in found
    assert "<h3>1 file that" in found
    assert found.count("circle/broken.png") == 1


def test_pictures_can_be_enlarged_without_a_script(workshop):
    workshop.shapes(10)

    page = workshop.text(workshop.make(), "page.html")

    assert page.count('<label class="zoom"><input type="checkbox"') >= 30
    assert "<script" not in page


def test_it_needs_nothing_from_elsewhere(workshop):
    workshop.shapes(10)

    page = workshop.text(workshop.make(), "page.html")

    assert not re.search(r"""(src|href)=["'](?!data:)""", page)
    assert "http" not in page
    assert "<script" not in page


def test_it_stays_small_with_many_labels(workshop):
    for label in range(80):
        for index in range(8):
            workshop.write(
                f"label {label:02}/{index}.png", makers.picture(f"{label}", 100 * label + index)
            )

    page = workshop.text(workshop.make(), "page.html")

    assert len(page) < 2_000_000
    assert "and 20 more labels" in page


def test_boxes_are_drawn_with_their_labels_also_on_augmented_views(workshop):
    makers.folder_of_boxes(workshop.raw, 40)
    draw_polygons(workshop.raw / "annotations.json", 3)

    page = workshop.text(
        workshop.make(task="object_detection", augmentations=["horizontal_flip", "scale"]),
        "page.html",
    )

    sheet = page[page.index("<h2>Augmentations") : page.index("<h2>Thumbnails")]
    assert "Boxes of each label" in page
    assert "How the annotations were read" in page
    assert "Boxes were made around 3 polygons in" in page
    assert "size in pixels" in page
    assert page.count("<rect") > 60
    assert sheet.count("<rect") > 20
    assert not re.search(r"""(src|href)=["'](?!data:)""", page)


def draw_polygons(path, count: int) -> None:
    """Give the first `count` annotations of a COCO file a polygon instead of their bbox."""
    record = json.loads(path.read_text())
    for annotation in record["annotations"][:count]:
        left, top, wide, high = annotation.pop("bbox")
        right, bottom = left + wide, top + high
        annotation["segmentation"] = [[left, top, right, top, right, bottom, left, bottom]]
    path.write_text(json.dumps(record))
