"""Annotations made to break a reader, or by a tool that did not know better: each is told as a
problem of the data or of its picture, and none ends in a bare error."""

import json

import pytest

from stages.artifacts import Box
from stages.etl.readers import read_folder
from stages.runtime.errors import DataError
from tests import layouts, makers

HUGE = 10**400


def changed(folder, name, change):
    """The JSON `name` of `folder`, changed."""
    record = json.loads((folder / name).read_text())
    change(record)
    layouts.put_json(folder / name, record)
    return folder


def refusal(folder) -> str:
    with pytest.raises(DataError) as problem:
        read_folder(folder)
    return str(problem.value)


def test_a_number_that_no_machine_holds_is_told_in_its_pictures_row(tmp_path):
    layouts.coco(tmp_path)
    changed(
        tmp_path, "annotations.json", lambda r: r["annotations"][0].update(bbox=[HUGE, 1, 2, 3])
    )

    assert "not four numbers" in read_folder(tmp_path).rows[0].problem


def test_a_number_that_is_too_long_to_read_is_told(tmp_path):
    layouts.coco(tmp_path)
    text = (tmp_path / "annotations.json").read_text()
    (tmp_path / "annotations.json").write_text(text.replace('"id": 1', f'"id": {"9" * 5000}', 1))

    assert "far too long" in refusal(tmp_path)


@pytest.mark.parametrize("layout", ["coco", "label_studio"])
def test_a_group_of_null_is_no_group(layout, tmp_path):
    getattr(layouts, layout)(tmp_path)
    (name,) = (path.name for path in tmp_path.glob("*.json"))
    changed(
        tmp_path,
        name,
        lambda r: [
            image.get("data", image).update(group=None)
            for image in (r["images"] if isinstance(r, dict) else r)
        ],
    )

    assert {row.group for row in read_folder(tmp_path).rows} == {""}


def test_an_address_that_is_none_is_a_name(tmp_path):
    layouts.coco(tmp_path)
    changed(
        tmp_path,
        "annotations.json",
        lambda r: r["images"][0].update(file_name="http://[half/a.png"),
    )

    assert read_folder(tmp_path).rows[0].file == "images/a.png"


@pytest.mark.parametrize("name", ["\ud83d", "two\nlines"])
def test_a_label_that_no_file_could_hold_is_refused(name, tmp_path):
    layouts.coco(tmp_path)
    changed(tmp_path, "annotations.json", lambda r: r["categories"][0].update(name=name))

    assert "not one line of UTF-8 text" in refusal(tmp_path)


def test_a_file_name_that_is_not_utf8_is_refused_in_every_layout(tmp_path):
    layouts.yolo(tmp_path)
    (tmp_path / "images" / "b\udcff.png").write_bytes(makers.ground(8, 8, 0))

    assert "not one line of UTF-8 text" in refusal(tmp_path)


@pytest.mark.parametrize(
    ("yaml", "message"),
    [
        ("date: *gone\nnames: [cat]\n", "data.yaml, line 1: this is not YAML: found undefined"),
        (f"names: {'[' * 3000}\n", "data.yaml, line 1: this is not YAML: it is nested too deep"),
        ("names: [cat]\nnames: [dog]\n", "data.yaml, line 2: this is not YAML: there is a second"),
        ("a: &a [x, x]\nb: [*a, *a]\nnames: [cat, cat, cat]\n", "'cat' is there 3 times"),
        ("a: &a [x, x]\nb: &b [*a, *a]\nnames: [*b, dog]\n", "the name of class 0 is no text"),
    ],
)
def test_a_yaml_that_is_made_to_break_is_told(yaml, message, tmp_path):
    layouts.yolo(tmp_path)
    (tmp_path / "data.yaml").write_text(yaml)

    assert message in refusal(tmp_path)


@pytest.mark.parametrize("encoding", ["gb2312", "klingon"])
def test_an_encoding_that_cannot_be_read_is_told(encoding, tmp_path):
    layouts.voc(tmp_path)
    path = tmp_path / "Annotations" / "a.xml"
    path.write_text(f'<?xml version="1.0" encoding="{encoding}"?>{path.read_text()}')

    assert "Annotations/a.xml, line 1: " in refusal(tmp_path)


def test_a_size_of_five_thousand_digits_is_no_size(tmp_path):
    layouts.voc(tmp_path)
    path = tmp_path / "Annotations" / "a.xml"
    size = f"<width>{layouts.WIDTH}</width>"
    path.write_text(path.read_text().replace(size, f"<width>{'9' * 5000}</width>"))

    assert read_folder(tmp_path).rows[0].size is None


def test_a_voc_box_that_begins_at_nought_and_a_fraction_counts_from_nought(tmp_path):
    layouts.voc(tmp_path, {"a.png": (Box("cat", -1, 20, 40, 50),)})
    path = tmp_path / "Annotations" / "a.xml"
    path.write_text(path.read_text().replace("<xmin>0<", "<xmin>0.0<"))

    assert read_folder(tmp_path).rows[0].boxes == (Box("cat", 0, 21, 40, 50),)


@pytest.mark.parametrize("rotation", ["steep", [1], float("inf")])
def test_a_rotation_that_is_no_number_is_told_in_its_pictures_row(rotation, tmp_path):
    layouts.label_studio(tmp_path)
    (name,) = (path.name for path in tmp_path.glob("*.json"))
    changed(
        tmp_path,
        name,
        lambda r: r[0]["annotations"][0]["result"][0]["value"].update(rotation=rotation),
    )

    assert "rotation" in read_folder(tmp_path).rows[0].problem


def test_a_table_that_names_a_file_no_disk_could_hold_says_that_it_is_not_there(tmp_path):
    (tmp_path / "labels.csv").write_text(f"file,label\n{'a' * 5000}.png,cat\n")

    assert "1 of 1 files are not there" in refusal(tmp_path)


def test_folders_inside_each_other_are_walked_once_however_deep(tmp_path):
    deep = tmp_path.joinpath("cat", *["d"] * 300)
    deep.mkdir(parents=True)
    (deep / "a.png").write_bytes(makers.ground(8, 8, 0))
    (tmp_path / "dog").mkdir()
    (tmp_path / "dog" / "b.png").write_bytes(makers.ground(8, 8, 1))

    assert [row.label for row in read_folder(tmp_path).rows] == ["cat", "dog"]


def test_a_link_to_a_folder_above_is_not_followed_and_one_to_a_sibling_is(tmp_path):
    for label in ("cat", "dog"):
        (tmp_path / label).mkdir()
        (tmp_path / label / "a.png").write_bytes(makers.ground(8, 8, len(label)))
    (tmp_path / "cat" / "up").symlink_to(tmp_path)
    (tmp_path / "cat" / "self").symlink_to(tmp_path / "cat" / "self")
    (tmp_path / "cat" / "more").symlink_to(tmp_path / "dog")

    files = [row.file for row in read_folder(tmp_path).rows]

    assert files == ["cat/a.png", "cat/more/a.png", "dog/a.png"]
