"""Annotations that cannot be right, in each layout: told with their place; one wrong box does not
lose the rest."""

import json
import re
from typing import Any

import pytest

from stages.etl.readers import Row, read_folder
from stages.runtime.errors import DataError
from tests import layouts

GOOD = layouts.BOXES["a.png"][0]
SIZE = {"width": layouts.WIDTH, "height": layouts.HEIGHT}


def coco_with(folder, **annotation: Any):
    """COCO of two pictures, the first annotation of the first changed."""
    layouts.coco(folder)
    record = json.loads((folder / "annotations.json").read_text())
    record["annotations"][0].update(annotation)
    layouts.put_json(folder / "annotations.json", record)
    return folder


def first_row(folder) -> Row:
    return read_folder(folder).rows[0]


@pytest.mark.parametrize(
    ("annotation", "message"),
    [
        ({"bbox": ["1", "2", "3", "4"]}, "not four numbers"),
        ({"bbox": [1, 2, 3]}, "not four numbers"),
        ({"bbox": [1, 2, float("nan"), 4]}, "not four numbers"),
        ({"bbox": [1, 2, float("inf"), 4]}, "not four numbers"),
        ({"bbox": [True, 2, 3, 4]}, "not four numbers"),
        ({"bbox": None}, "not four numbers"),
        ({"bbox": [1, 2, -3, 4]}, "-3 wide and 4 high"),
        ({"bbox": [1, 2, 3, 0]}, "3 wide and 0 high"),
        ({"category_id": 99}, "no category with the id 99"),
        ({"category_id": [1]}, r"no category with the id \[1\]"),
    ],
)
def test_a_wrong_box_in_coco_is_told_in_its_pictures_row(annotation, message, tmp_path):
    row = first_row(coco_with(tmp_path, **annotation))

    assert row.boxes == ()
    assert row.problem.startswith("annotations.json, annotations[0] (id 1): ")
    assert re.search(message, row.problem)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda r: r["images"][0].update(file_name="gone.png"), ["images[0] (id 1)", "'gone.png'"]),
        (
            lambda r: r["images"][0].update(file_name="../../etc/passwd"),
            ["no file '../../etc/pass"],
        ),
        (lambda r: r["images"][0].pop("file_name"), ["images[0] (id 1): it has no file_name"]),
        (lambda r: r["images"][1].update(id=1), ["images[1]: the id 1 is that of images[0], too"]),
        (lambda r: r["categories"][1].update(id=1), ["categories[1]: the id 1 is that of"]),
        (lambda r: r["categories"][0].pop("name"), ["categories[0] (id 1) has no name"]),
        (lambda r: r["annotations"][0].update(image_id=77), ["annotations[0] (id 1)", "id 77"]),
        (lambda r: r["annotations"].append("text"), ["annotations[3]: there is no image"]),
        (lambda r: r["images"][1].update(file_name="a.png"), ["'images/a.png'", "more than once"]),
        (lambda r: r.update(categories={}), ["no list of categories"]),
    ],
)
def test_a_coco_file_that_is_wrong_as_a_whole_is_refused_with_the_place(change, message, tmp_path):
    layouts.coco(tmp_path)
    record = json.loads((tmp_path / "annotations.json").read_text())
    change(record)
    layouts.put_json(tmp_path / "annotations.json", record)

    with pytest.raises(DataError) as raised:
        read_folder(tmp_path)

    for text in message:
        assert text in str(raised.value)


def test_all_that_is_wrong_with_coco_is_told_at_once(tmp_path):
    layouts.coco(tmp_path)
    for path in (tmp_path / "images").iterdir():
        path.unlink()

    with pytest.raises(DataError, match=r"images\[0\].*\n.*images\[1\].*\n.*images\[2\]"):
        read_folder(tmp_path)


def test_a_coco_file_that_was_cut_off_is_told_with_its_line(tmp_path):
    layouts.coco(tmp_path)
    text = (tmp_path / "annotations.json").read_text()
    text = text.replace('"annotations"', '\n"annotations"')[:-20]
    (tmp_path / "annotations.json").write_text(text)

    with pytest.raises(DataError, match=r"annotations.json, line 2.*not JSON"):
        read_folder(tmp_path)


BOMB = '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]>\n<annotation>&b;</annotation>'
PLACE = '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>\n<annotation>&a;</annotation>'


@pytest.mark.parametrize("text", [BOMB, PLACE])
def test_a_doctype_in_voc_is_refused_with_the_file_named(text, tmp_path):
    folder = layouts.voc(tmp_path)
    layouts.put(folder / "Annotations" / "empty.xml", text.encode())

    with pytest.raises(DataError, match=r"Annotations/empty.xml has a doctype.*bomb"):
        read_folder(folder)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("<annotation>\n<object></annotation>", "empty.xml, line 2: this is not XML"),
        ("<x>\n<annotation/></x>", "empty.xml, line 1: it is <x>"),
        ("<annotation><filename>gone.png</filename></annotation>", None),
    ],
)
def test_a_voc_file_that_is_none_is_told_with_its_line(text, message, tmp_path):
    folder = layouts.voc(tmp_path)
    layouts.put(folder / "Annotations" / "empty.xml", text.encode())
    if message is None:
        (folder / "JPEGImages" / "empty.png").unlink()
        message = "Annotations/empty.xml: there is no picture 'gone.png'"

    with pytest.raises(DataError) as raised:
        read_folder(folder)

    assert message in str(raised.value)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("<name>cat</name>", "", "line 4: the object has no name"),
        ("<xmin>11</xmin>", "<xmin>eleven</xmin>", "line 4: the corners of 'cat' are eleven, 21"),
        ("<xmin>11</xmin>", "<xmin>nan</xmin>", "line 4: the box of 'cat' is nan wide"),
        ("<xmin>11</xmin>", "<xmin>60</xmin>", "line 4: the box of 'cat' is -19 wide"),
        ("bndbox", "polygon", "line 4: 'cat' has no bndbox"),
    ],
)
def test_a_wrong_object_in_voc_is_told_with_its_line(old, new, message, tmp_path):
    folder = layouts.voc(tmp_path)
    path = folder / "Annotations" / "a.xml"
    path.write_text(path.read_text().replace(old, new))

    row = first_row(folder)

    assert row.problem.startswith(f"Annotations/a.xml, {message}")
    assert row.boxes == ()


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("0 0.5 0.5 1.7 0.5", "not shares from 0 to 1"),
        ("0 40 30 20 10", "not shares from 0 to 1"),
        ("0 -0.1 0.5 0.2 0.2", "not shares from 0 to 1"),
        ("0 nan 0.5 0.2 0.2", "not shares from 0 to 1"),
        ("0 0.5 0.5 0 0.2", "0 wide"),
        ("7 0.5 0.5 0.2 0.2", "class 7 has no name; there are 2"),
        ("cat 0.5 0.5 0.2 0.2", "not a class and four numbers"),
        ("0 0.5 0.5 0.2", "not a class and four numbers"),
        ("0 0.5 0.5 0.2 0.2 0.9", "six numbers; the last is a confidence"),
        ("0 0.1 0.1 0.2 0.2 0.3 0.3 0.9", "7 numbers after the class"),
        ("0 0.5 0.5 0.2 0.2 0.4 0.4 2 0.6 0.6 0", "looks like keypoints"),
        ("0 10 10 20 10 20 20 10 20", "corners are not shares"),
        ("0.5 0.5 0.5 0.2 0.2", "class 0.5 has no name"),
    ],
)
def test_a_wrong_line_in_yolo_is_told_with_its_number(line, message, tmp_path):
    folder = layouts.yolo(tmp_path)
    path = folder / "labels" / "a.txt"
    path.write_text(path.read_text() + "\n" + line + "\n")

    row = first_row(folder)

    assert row.problem.startswith("labels/a.txt, line 4: ")
    assert message in row.problem


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        (None, "", "no file names their classes"),
        ("classes.txt", "cat\ncat\n", "the label 'cat' is there twice"),
        ("data.yaml", "names: [cat\n", "data.yaml, line 2: this is not YAML"),
        (
            "data.yaml",
            "names: !!python/object/apply:os.system ['true']\n",
            "data.yaml, line 1: this is not YAML",
        ),
        ("data.yaml", "names: {cat: 0}\n", "'cat' is not a class number"),
    ],
)
def test_names_of_yolo_that_cannot_be_used_are_told(name, text, message, tmp_path):
    folder = layouts.yolo(tmp_path)
    (folder / "classes.txt").unlink()
    if name:
        layouts.put(folder / name, text.encode())

    with pytest.raises(DataError) as raised:
        read_folder(folder)

    assert message in str(raised.value)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"x": "12"}, "x, y, width, height are"),
        ({"width": -4}, "-4 % wide"),
        ({"rectanglelabels": []}, "it has [] instead of one label"),
        ({"rectanglelabels": ["cat", "dog"]}, "instead of one label"),
    ],
)
def test_a_wrong_rectangle_of_label_studio_is_told_with_its_place(value, message, tmp_path):
    layouts.put(tmp_path / "a.png", layouts.picture())
    result = layouts.rectangle(GOOD, **value)
    task = {"id": 5, "data": {"image": "a.png"}, "annotations": [{"result": [result]}]}
    layouts.put_json(tmp_path / "export.json", [task])

    row = first_row(tmp_path)

    assert row.problem.startswith("export.json, [0] (id 5), result[0] (id r): ")
    assert message in row.problem


def test_what_is_wrong_with_an_export_as_a_whole_is_told_at_once(tmp_path):
    folder = layouts.label_studio(tmp_path)
    tasks = json.loads((folder / "export.json").read_text())
    tasks[0]["data"]["image"] = "s3://bucket/gone.png"
    tasks[1].pop("annotations")
    layouts.put_json(folder / "export.json", [*tasks, tasks[2]])

    with pytest.raises(DataError) as raised:
        read_folder(folder)

    for message in ("[0] (id 0): there is no picture 's3://bucket/gone.png'", "[1]: it has no data",
                  "[3] (id 2): 'images/empty.png' is in export.json, [2] (id 2), too"):  # fmt: skip
        assert message in str(raised.value)
