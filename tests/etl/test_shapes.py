"""Shapes other than upright boxes: a box is made around them and said, or the picture is set aside;
none becomes a picture with nothing on it."""

from typing import Any

import pytest

from stages.artifacts import Box
from stages.etl.readers import Reading, read_folder
from stages.runtime.errors import DataError
from tests import layouts

CAT, DOG = layouts.BOXES["a.png"]
WIDE, HIGH = layouts.WIDTH, layouts.HEIGHT
SQUARE = [[10, 20, 40, 20, 40, 50, 10, 50]]  # the corners of CAT


def coco(folder, *annotations: dict[str, Any], **whole: Any) -> Reading:
    """Read one picture with `annotations`; each is of a cat unless it says something else."""
    images = [{"id": 1, "file_name": "a.png", "width": WIDE, "height": HIGH}]
    common = {"image_id": 1, "category_id": 1, "iscrowd": 0}
    notes = [{"id": at, **common, **annotation} for at, annotation in enumerate(annotations, 1)]
    categories = [{"id": 1, "name": "cat"}, {"id": 2, "name": "dog"}]
    record = {"images": images, "annotations": notes, "categories": categories, **whole}
    layouts.put(folder / "a.png", layouts.picture())
    layouts.put_json(folder / "a.json", record)
    return read_folder(folder)


@pytest.mark.parametrize(
    ("annotation", "note"),
    [
        ({"segmentation": SQUARE}, "1 polygon in 1 file ('a.png')"),
        ({"segmentation": SQUARE[0]}, "1 polygon"),
        (
            {"bbox": [], "segmentation": [[10, 20, 40, 20, 30, 30], [10, 50, 20, 50, 15, 40]]},
            "1 po",
        ),
        ({"bbox": None, "segmentation": SQUARE}, "1 polygon"),
        ({"bbox": [0, 0, 0, 0], "segmentation": SQUARE}, "1 polygon"),
        ({"bbox": SQUARE[0]}, "1 rotated box"),
        (
            {"bbox": [10, 20, 30, 30], "attributes": {"rotation": 90.0}},
            "1 rotated box in 1 file",
        ),
        ({"bbox": [10, 20, 30, 30], "keypoints": [12, 22, 2], "num_keypoints": 1}, "1 object with"),
        ({"bbox": [10, 20, 30, 30], "score": 0.9}, "although they have a score"),
        ({"bbox": [10, 20, 30, 30], "segmentation": {"counts": "x", "size": [60, 80]}}, ""),
        ({"bbox": [10, 20, 30, 30], "attributes": {"rotation": 0.0}, "score": None}, ""),
    ],
)
def test_a_shape_of_coco_becomes_the_box_around_it_and_that_is_said(annotation, note, tmp_path):
    reading = coco(tmp_path, annotation)

    assert reading.rows[0].boxes == (CAT,)
    assert note in "".join(reading.notes)
    assert len(reading.notes) == bool(note)


@pytest.mark.parametrize(
    ("annotation", "problem"),
    [
        ({"segmentation": {"counts": [5, 3], "size": [60, 80]}}, "a mask, which is not read"),
        ({"keypoints": [12, 22, 2], "num_keypoints": 1}, "has keypoints and no bbox"),
        ({"bbox": [30, 30, 10, 10, 45]}, "not four numbers"),
        ({"segmentation": [["x", 1, 2, 3, 4, 5]]}, "no polygon of numbers"),
        ({"segmentation": [[1, 2, 3, 4]]}, "no polygon of numbers"),
        ({"bbox": [0.2, 0.3, 0.4, 0.5]}, "less than a pixel: is it written as shares"),
        ({}, "the object has no extent, and there is no other"),
    ],
)
def test_a_shape_of_coco_that_is_not_read_sets_its_picture_aside(annotation, problem, tmp_path):
    good = [{"bbox": [10, 20, 30, 30]}] if annotation else []

    (row,) = coco(tmp_path, *good, annotation).rows

    assert row.boxes == ()
    assert problem in row.problem
    assert row.problem.startswith("a.json, annotations[")


@pytest.mark.parametrize(
    "empty", [{}, {"bbox": []}, {"bbox": [0, 0, 0, 0]}, {"bbox": [5, 5, 0, 0]},
              {"bbox": [], "segmentation": []}],
)  # fmt: skip
def test_an_empty_object_of_coco_leaves_the_good_boxes(empty, tmp_path):
    reading = coco(tmp_path, empty, {"bbox": [10, 20, 30, 30]}, empty)

    assert reading.rows[0].boxes == (CAT,)
    assert reading.rows[0].places == ("a.json, annotations[1] (id 2)",)
    assert reading.notes == ("Left out: 2 objects without any extent in 1 file ('a.png')",)


def voc(folder, *objects: str) -> Reading:
    inside = "".join(f"<object>{text}</object>\n" for text in objects)
    layouts.put(folder / "a.png", layouts.picture())
    layouts.put(folder / "a.xml", f"<annotation>\n{inside}</annotation>".encode())
    return read_folder(folder)


BNDBOX = (
    "<name>cat</name><bndbox><xmin>11</xmin><ymin>21</ymin><xmax>40</xmax><ymax>50</ymax></bndbox>"
)
POINTS = "<x1>11</x1><y1>21</y1><x2>40</x2><y2>30</y2><x3>20</x3><y3>50</y3>"
LABELME = "<pt><x>11</x><y>21</y></pt><pt><x>40</x><y>30</y></pt><pt><x>20</x><y>50</y></pt>"
ROTATED = "<cx>25</cx><cy>35</cy><w>30</w><h>30</h><angle>1.5707963267948966</angle>"


@pytest.mark.parametrize(
    ("shape", "note"),
    [
        (f"<polygon>{POINTS}</polygon>", "1 polygon in 1 file ('a.xml')"),
        (f"<polygon><username/>{LABELME}</polygon>", "1 polygon"),
        (f"<type>robndbox</type><robndbox>{ROTATED}</robndbox>", "1 rotated box"),
    ],
)
def test_a_shape_of_voc_becomes_the_box_around_it_and_that_is_said(shape, note, tmp_path):
    reading = voc(tmp_path, f"<name>cat</name>{shape}")

    assert reading.rows[0].boxes == (CAT,)
    assert note in "".join(reading.notes)


@pytest.mark.parametrize(
    ("shape", "problem"),
    [
        ("<name>cat</name><polygon><x1>1</x1><y1>2</y1><x2>3</x2></polygon>", "not four numbers"),
        ("<name>cat</name><mask>encoded</mask>", "'cat' has no bndbox"),
        (f"<polygon>{POINTS}</polygon>", "no name"),
        (f"<name>cat</name><robndbox>{ROTATED.replace('1.57', 'inf')}</robndbox>", "not four numb"),
        (f"<name>cat</name><robndbox>{ROTATED.replace('1.5707963267948966', 'inf')}</robndbox>",
         "is nan wide"),
        ("<name>cat</name><bndbox><xmin>1.2</xmin><ymin>1.3</ymin><xmax>.4</xmax><ymax>.5</ymax>"
         "</bndbox>", "wide"),
    ],
)  # fmt: skip
def test_a_shape_of_voc_that_is_not_read_sets_its_picture_aside(shape, problem, tmp_path):
    (row,) = voc(tmp_path, BNDBOX, shape).rows

    assert row.boxes == ()
    assert row.problem.startswith("a.xml, line 3: ")
    assert problem in row.problem


@pytest.mark.parametrize(
    "empty",
    [
        "",
        "<name>cat</name>",
        "<name>cat</name><bndbox/>",
        "<bndbox></bndbox>",
        BNDBOX.replace("11", "0").replace("21", "0").replace("40", "0").replace("50", "0"),
    ],
)
def test_an_empty_object_of_voc_leaves_the_good_boxes(empty, tmp_path):
    reading = voc(tmp_path, empty, BNDBOX)

    assert reading.rows[0].boxes == (CAT,)
    assert "1 object without any extent" in reading.notes[0]


def yolo(folder, *lines: str, extra: str = "") -> Reading:
    layouts.put(folder / "images" / "a.png", layouts.picture())
    layouts.put(folder / "labels" / "a.txt", "\n".join(lines).encode())
    layouts.put(folder / "data.yaml", f"names: [cat, dog]\n{extra}".encode())
    return read_folder(folder)


TEXT = layouts.lines((CAT,)).strip()
TRIANGLE = "0 0.125 0.333333 0.5 0.5 0.3 0.833333"
CORNERS = "0 0.125 0.333333 0.5 0.333333 0.5 0.833333 0.125 0.833333"


@pytest.mark.parametrize(
    ("line", "extra", "note"),
    [
        (TRIANGLE, "", "1 polygon in 1 file ('labels/a.txt')"),
        (f"{CORNERS} 0.3 0.5 -0.0 0.5", "", "1 polygon"),
        (CORNERS, "", "1 rotated box"),
        (f"{TEXT} 0.2 0.4 2 0.3 0.5 1", "kpt_shape: [2, 3]", "1 object with keypoints"),
        (f"{TEXT} 0.2 0.4 0.3 0.5 0.3 0.6", "kpt_shape: [3, 2]", "1 object with keypoints"),
    ],
)
def test_a_shape_of_yolo_becomes_the_box_around_it_and_that_is_said(line, extra, note, tmp_path):
    reading = yolo(tmp_path, line, extra=extra)

    (box,) = reading.rows[0].boxes
    left = 0 if "-0.0" in line else CAT.left
    assert box[1:] == pytest.approx((left, *CAT[2:]), abs=0.01)
    assert note in "".join(reading.notes)


@pytest.mark.parametrize("line", ["0 0.5 0.5 0 0", "1 0 0 0 0", "0 0.0 0.0 0e0 0.000"])
def test_an_empty_line_of_yolo_leaves_the_good_boxes(line, tmp_path):
    reading = yolo(tmp_path, TEXT, line)

    assert [box.label for box in reading.rows[0].boxes] == ["cat"]
    assert "1 object without any extent" in reading.notes[0]


def test_a_picture_with_an_empty_object_only_does_not_become_one_with_nothing_on_it(tmp_path):
    (row,) = yolo(tmp_path, "0 0.5 0.5 0 0").rows

    assert row.problem == "labels/a.txt, line 1: the object has no extent, and there is no other"


def test_boxes_of_coco_in_shares_are_multiplied_and_that_is_said(tmp_path):
    reading = coco(
        tmp_path,
        {"bbox": [CAT.left / WIDE, CAT.top / HIGH, 30 / WIDE, 30 / HIGH]},
        {"segmentation": [[0.125, 0.2, 0.5, 0.3, 0.25, 0.9]]},
    )

    assert reading.rows[0].boxes == (CAT, Box("cat", 10, 12, 40, 54))
    assert "1 polygon" in reading.notes[0]
    assert "they are shares from 0 to 1 and not pixels: 1 box in 1 file" in reading.notes[1]


def test_boxes_of_coco_in_shares_about_the_middle_are_refused(tmp_path):
    with pytest.raises(DataError, match=r"begins at the left top, not at the middle"):
        coco(tmp_path, {"bbox": [0.8, 0.8, 0.4, 0.4]}, {"bbox": [0.2, 0.2, 0.4, 0.4]})
