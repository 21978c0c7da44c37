"""Annotations that cannot be right: told with their place; one wrong box does not lose the rest."""

import json
import re
from typing import Any

import pytest

from stages.artifacts import Box
from stages.etl.placing import placed
from stages.etl.readers import Row, read_folder
from stages.runtime.errors import DataError
from tests import layouts, makers

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
    ("annotation", "words"),
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
def test_a_wrong_box_in_coco_is_told_in_its_pictures_row(annotation, words, tmp_path):
    row = first_row(coco_with(tmp_path, **annotation))

    assert row.boxes == ()
    assert row.problem.startswith("annotations.json, annotations[0] (id 1): ")
    assert re.search(words, row.problem)


@pytest.mark.parametrize(
    ("change", "words"),
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
def test_a_coco_file_that_is_wrong_as_a_whole_is_refused_with_the_place(change, words, tmp_path):
    layouts.coco(tmp_path)
    record = json.loads((tmp_path / "annotations.json").read_text())
    change(record)
    layouts.put_json(tmp_path / "annotations.json", record)

    with pytest.raises(DataError) as told:
        read_folder(tmp_path)

    for word in words:
        assert word in str(told.value)


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
    ("text", "words"),
    [
        ("<annotation>\n<object></annotation>", "empty.xml, line 2: this is not XML"),
        ("<x>\n<annotation/></x>", "empty.xml, line 1: it is <x>"),
        ("<annotation><filename>gone.png</filename></annotation>", None),
    ],
)
def test_a_voc_file_that_is_none_is_told_with_its_line(text, words, tmp_path):
    folder = layouts.voc(tmp_path)
    layouts.put(folder / "Annotations" / "empty.xml", text.encode())
    if words is None:
        (folder / "JPEGImages" / "empty.png").unlink()
        words = "Annotations/empty.xml: there is no picture 'gone.png'"

    with pytest.raises(DataError) as told:
        read_folder(folder)

    assert words in str(told.value)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("<name>cat</name>", "", "line 4: the object has no name"),
        ("<xmin>11</xmin>", "<xmin>eleven</xmin>", "line 4: the corners of 'cat' are eleven, 21"),
        ("<xmin>11</xmin>", "<xmin>nan</xmin>", "line 4: the box of 'cat' is nan wide"),
        ("<xmin>11</xmin>", "<xmin>60</xmin>", "line 4: the box of 'cat' is -19 wide"),
        ("bndbox", "polygon", "line 4: 'cat' has no bndbox"),
    ],
)
def test_a_wrong_object_in_voc_is_told_with_its_line(old, new, words, tmp_path):
    folder = layouts.voc(tmp_path)
    path = folder / "Annotations" / "a.xml"
    path.write_text(path.read_text().replace(old, new))

    row = first_row(folder)

    assert row.problem.startswith(f"Annotations/a.xml, {words}")
    assert row.boxes == ()


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("0 0.5 0.5 1.7 0.5", "not shares from 0 to 1"),
        ("0 40 30 20 10", "not shares from 0 to 1"),
        ("0 -0.1 0.5 0.2 0.2", "not shares from 0 to 1"),
        ("0 nan 0.5 0.2 0.2", "not shares from 0 to 1"),
        ("0 0.5 0.5 0 0.2", "0 wide"),
        ("7 0.5 0.5 0.2 0.2", "class 7 has no name; there are 2"),
        ("cat 0.5 0.5 0.2 0.2", "not a class and four numbers"),
        ("0 0.5 0.5 0.2", "not a class and four numbers"),
        ("0 0.1 0.1 0.2 0.2 0.3 0.3", "not a class and four numbers"),
    ],
)
def test_a_wrong_line_in_yolo_is_told_with_its_number(line, words, tmp_path):
    folder = layouts.yolo(tmp_path)
    path = folder / "labels" / "a.txt"
    path.write_text(path.read_text() + "\n" + line + "\n")

    row = first_row(folder)

    assert row.problem.startswith("labels/a.txt, line 4: ")
    assert words in row.problem


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        (None, "", "no file names their classes"),
        ("classes.txt", "cat\ncat\n", "the label 'cat' is there twice"),
        ("data.yaml", "names: [cat\n", "data.yaml is not YAML"),
        ("data.yaml", "names: !!python/object/apply:os.system ['true']\n", "data.yaml is not YAML"),
        ("data.yaml", "names: {cat: 0}\n", "'cat' is no number of a class"),
    ],
)
def test_names_of_yolo_that_cannot_be_used_are_told(name, text, words, tmp_path):
    folder = layouts.yolo(tmp_path)
    (folder / "classes.txt").unlink()
    if name:
        layouts.put(folder / name, text.encode())

    with pytest.raises(DataError) as told:
        read_folder(folder)

    assert words in str(told.value)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({"x": "12"}, "x, y, width, height are"),
        ({"width": -4}, "-4 % wide"),
        ({"rectanglelabels": []}, "it has [] for its one label"),
        ({"rectanglelabels": ["cat", "dog"]}, "for its one label"),
    ],
)
def test_a_wrong_rectangle_of_label_studio_is_told_with_its_place(value, words, tmp_path):
    layouts.put(tmp_path / "a.png", layouts.picture())
    result = layouts.rectangle(GOOD, **value)
    task = {"id": 5, "data": {"image": "a.png"}, "annotations": [{"result": [result]}]}
    layouts.put_json(tmp_path / "export.json", [task])

    row = first_row(tmp_path)

    assert row.problem.startswith("export.json, [0] (id 5), result[0] (id r): ")
    assert words in row.problem


def test_what_is_wrong_with_an_export_as_a_whole_is_told_at_once(tmp_path):
    folder = layouts.label_studio(tmp_path)
    tasks = json.loads((folder / "export.json").read_text())
    tasks[0]["data"]["image"] = "s3://bucket/gone.png"
    tasks[1].pop("annotations")
    layouts.put_json(folder / "export.json", [*tasks, tasks[2]])

    with pytest.raises(DataError) as told:
        read_folder(folder)

    for words in ("[0] (id 0): there is no picture 's3://bucket/gone.png'", "[1]: it has no data",
                  "[3] (id 2): 'images/empty.png' is in export.json, [2] (id 2), too"):  # fmt: skip
        assert words in str(told.value)


@pytest.mark.parametrize(
    ("box", "problem", "clipped"),
    [
        (Box("cat", 10.0, 10.0, 20.0, 20.0), "", 0),
        (Box("cat", -1.0, 0.0, 80.5, 61.0), "", 1),
        (Box("cat", 10.0, 10.0, 120.0, 20.0), "is not on the picture of 80 × 60", 0),
        (Box("cat", 81.0, 10.0, 81.5, 20.0), "is not on the picture of 80 × 60", 0),
        (Box("cat", 10.0, 62.0, 30.0, 75.0), "as it is stored, 60 × 80 pixels, not upright", 0),
    ],
)
def test_a_box_beyond_the_edge_is_clipped_by_a_pixel_and_else_told(box, problem, clipped):
    found = placed(Row("a.png", boxes=(box,), place="x.xml", places=("x.xml, line 7",)), SIZE)

    assert problem in found.problem
    assert bool(found.problem) == bool(problem)
    assert found.problem.startswith("x.xml") or not problem
    assert found.clipped == clipped
    for one in found.boxes:
        assert 0 <= one.left < one.right <= 80
        assert 0 <= one.top < one.bottom <= 60


@pytest.mark.parametrize(
    ("size", "words"),
    [((60, 80), "did not heed its EXIF"), ((160, 120), "are for 160 × 120 pixels"), ((80, 60), "")],
)
def test_boxes_for_a_picture_of_another_size_are_told(size, words):
    found = placed(Row("a.png", boxes=(GOOD,), place="x.json", size=size), SIZE)

    assert words in found.problem
    assert bool(found.problem) == bool(words)


def test_a_box_that_is_there_twice_is_used_once():
    again = Box("cat", 10.0, 20.0, 40.0, 50.4)
    other = Box("dog", 10.0, 20.0, 40.0, 50.0)

    found = placed(Row("a.png", boxes=(GOOD, again, other)), SIZE)

    assert found.boxes == (GOOD, other)
    assert found.repeated == 1


def test_wrong_boxes_are_set_aside_with_their_place_and_odd_ones_are_told(workshop):
    makers.folder_of_boxes(workshop.raw, 48)
    path = workshop.raw / "annotations.json"
    record = json.loads(path.read_text())
    notes = record["annotations"]
    at = {of: next(one for one in notes if one["image_id"] == of) for of in range(1, 8)}
    at[1]["bbox"][2] = -5
    at[2]["bbox"][0] += 500
    at[3]["category_id"] = "nine"
    at[4]["iscrowd"] = 1
    at[5]["bbox"] = [0, 10, 96.5, 3]  # flat, thin, and a little too wide
    notes.append({**at[6], "id": 999})
    layouts.put_json(path, record)

    dataset = workshop.made(task="object_detection", max_quarantine=0.2)

    aside = workshop.aside(dataset)
    assert {name: row["reason"].partition(": ")[0] for name, row in aside.items()} == {
        f"images/{of - 1:03}.png": (
            f"annotations.json, annotations[{notes.index(at[of])}] (id {at[of]['id']})"
        )
        for of in (1, 2, 3)
    }
    told = {one.check: one.message for one in dataset.findings}
    assert "annotations[0] (id 1): its box is -5 wide" in told["annotated rightly"]
    assert "1 box of crowds" in told["no boxes of crowds"]
    assert "1 box in 1 file beyond the edge" in told["boxes within the picture"]
    assert "1 box in 1 file with the label" in told["each box once"]
    assert "1 box in 1 file with a side under etl.min_box, 4 pixels" in told["boxes not too small"]
    assert "more than 20 times" in told["plausible proportions"]
    samples = {one.file: one for one in workshop.samples(dataset)}
    assert samples["images/007.png"].boxes == ()  # a negative
    assert len(samples["images/005.png"].boxes) == len(makers.scene(5)[1])
    counted = [sum(counts.values()) for counts in dataset.counts.values()]
    assert sum(counted) == sum(len(one.boxes) for one in samples.values())
    assert sum(dataset.samples.values()) == len(samples) == 45


def test_nothing_but_wrong_boxes_is_refused_with_a_reason(workshop):
    makers.folder_of_boxes(workshop.raw, 10)
    path = workshop.raw / "annotations.json"
    record = json.loads(path.read_text())
    for one in record["annotations"]:
        one["bbox"] = [str(side) for side in one["bbox"]]
    layouts.put_json(path, record)

    words = r"9 of 10 samples.*\n.*annotation that cannot be right"
    with pytest.raises(DataError, match=words) as told:
        workshop.made(task="object_detection")

    assert "annotations[0] (id 1): bbox is ['" in str(told.value)


def test_a_picture_with_five_thousand_boxes_works_and_is_told(workshop):
    makers.folder_of_boxes(workshop.raw, 30)
    path = workshop.raw / "annotations.json"
    record = json.loads(path.read_text())
    places = [(x, y) for x in range(0, 92) for y in range(0, 92)][:5000]
    crowd = [{"id": 10_000 + at, "image_id": 8, "category_id": 1 + at % 3, "bbox": [x, y, 4, 4]}
             for at, (x, y) in enumerate(places)]  # fmt: skip
    layouts.put_json(path, {**record, "annotations": record["annotations"] + crowd})

    dataset = workshop.made(task="object_detection", augmentations=["horizontal_flip"])

    many = {one.file: len(one.boxes) for one in workshop.samples(dataset)}
    assert many["images/007.png"] == 5000
    told = {one.check: one.message for one in dataset.findings}
    assert "1 file with more than 1000 boxes: 'images/007.png'" in told["not too many boxes"]
    assert len(workshop.text(dataset, "page.html")) < 6_000_000


def test_a_label_that_is_only_in_the_given_test_split_is_refused(workshop):
    for name, labels, start in (("train", ("circle",), 0), ("test", ("circle", "square"), 50)):
        record = makers.CocoText(makers.LABELS)
        for index in range(start, start + 24):
            data, boxes = makers.scene(index)
            kept = tuple(box for box in boxes if box.label in labels)
            layouts.put(workshop.raw / name / f"{index}.png", data)
            record.add(f"{name}/{index}.png", 96, 96, kept)
        layouts.put_json(workshop.raw / f"{name}.json", record.record())

    with pytest.raises(DataError, match=r"not in all of train, validation and test: 'square'"):
        workshop.made(task="object_detection")


def test_the_same_picture_under_other_boxes_is_set_aside(workshop):
    makers.folder_of_boxes(workshop.raw, 40)
    path = workshop.raw / "annotations.json"
    record = json.loads(path.read_text())
    for name, of in (("same", 1), ("other", 2)):
        layouts.put(workshop.raw / f"{name}.png", makers.scene(of - 1)[0])
        record["images"].append(
            {**record["images"][of - 1], "id": name, "file_name": f"{name}.png"}
        )
    copied = [{**one, "image_id": "same", "id": 1000 + one["id"]}
              for one in record["annotations"] if one["image_id"] == 1]  # fmt: skip
    layouts.put_json(path, {**record, "annotations": record["annotations"] + copied})

    dataset = workshop.made(task="object_detection")

    aside = {name: row["kind"] for name, row in workshop.aside(dataset).items()}
    assert aside == {"same.png": "duplicate", "other.png": "broken", "images/001.png": "broken"}


def test_of_two_copies_the_one_that_is_annotated_rightly_is_kept(workshop):
    makers.folder_of_boxes(workshop.raw, 40)
    path = workshop.raw / "annotations.json"
    record = json.loads(path.read_text())
    layouts.put(workshop.raw / "a.png", makers.scene(0)[0])  # its name comes first
    record["images"].append({**record["images"][0], "id": "a", "file_name": "a.png"})
    wrong = {"id": 999, "image_id": "a", "category_id": 1, "bbox": [1, 1, -5, 5]}
    layouts.put_json(path, {**record, "annotations": [*record["annotations"], wrong]})

    dataset = workshop.made(task="object_detection")

    assert {name: row["kind"] for name, row in workshop.aside(dataset).items()} == {
        "a.png": "broken"
    }
