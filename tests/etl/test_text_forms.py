"""Annotations as editors, scripts and shells write them: marks, line ends, numbers, words."""

import json

import pytest

from stages.etl.readers import read_folder
from stages.etl.readers.files import Files
from stages.etl.readers.xml_tree import parsed
from stages.runtime.errors import DataError
from tests import layouts

EXPECTED = {"a.png": ["cat", "dog"], "b 日本.png": ["dog"], "empty.png": []}
WRITTEN = (".txt", ".xml", ".json", ".yaml")


def labels_in(folder) -> dict[str, list[str]]:
    rows = read_folder(folder).rows
    assert not any(row.problem for row in rows)
    return {row.file.rpartition("/")[2]: [box.label for box in row.boxes] for row in rows}


@pytest.mark.parametrize("name", list(layouts.BOXED))
@pytest.mark.parametrize("coding", ["utf-8-sig", "utf-16", "utf-16-be"])
def test_every_layout_may_begin_with_a_byte_order_mark(name, coding, tmp_path):
    folder = layouts.BOXED[name](tmp_path)
    for path in folder.rglob("*"):
        if path.suffix in WRITTEN:
            text = path.read_text().replace('encoding="utf-8"', "")
            mark = "\ufeff" if coding == "utf-16-be" else ""
            path.write_bytes((mark + text).encode(coding))

    assert labels_in(folder) == EXPECTED


@pytest.mark.parametrize("name", list(layouts.BOXED))
def test_every_layout_may_have_other_line_ends_and_spaces_behind(name, tmp_path):
    folder = layouts.BOXED[name](tmp_path)
    for path in folder.rglob("*"):
        if path.suffix in WRITTEN:
            path.write_bytes(path.read_bytes().replace(b"\n", b" \t\r\n") + b"\r\n\r\n")

    assert labels_in(folder) == EXPECTED


@pytest.mark.parametrize("name", ["yolo", "coco"])
def test_utf16_without_a_mark_is_refused_in_words(name, tmp_path):
    folder = layouts.BOXED[name](tmp_path)
    path = folder / ("classes.txt" if name == "yolo" else "annotations.json")
    text = path.read_text()
    path.write_bytes(text.encode("utf-16-le") if name == "yolo" else text.encode() + b"\0")

    with pytest.raises(DataError, match=f"{path.name}, line 1: this is not UTF-8 text"):
        read_folder(folder)


@pytest.mark.parametrize(
    "form",
    [
        "{:.18e} {:.18e} {:.18e} {:.18e} {:.18e}",
        "{:.1f} {:f} {:f} {:f} {:f}",
        "{:d}\t{:f}\t{:f}\t{:f}\t{:f}\t",
        "  {:d}  {:f} {:f} {:f} {:f}  ",
        "{:d},{:f},{:f},{:f},{:f}",
        "{:d}, {:.3e}, {:.3e}, {:.3e}, {:.3e}",
        "+{:d} {:f} {:f} {:f} {:f}",
    ],
)
def test_yolo_as_numpy_and_others_write_it(form, tmp_path):
    folder = layouts.yolo(tmp_path)
    for path in (folder / "labels").iterdir():
        lines = [line.split() for line in path.read_text().splitlines()]
        numbers = [(int(fields[0]), *map(float, fields[1:])) for fields in lines]
        number = float if "{:." in form[:5] else int
        path.write_text("\n".join(form.format(number(row[0]), *row[1:]) for row in numbers))

    assert labels_in(folder) == EXPECTED


@pytest.mark.parametrize(
    ("first", "second"),
    [("no", "yes"), ("007", "7"), ("null", "~"), ("2020-01-01", "0o17"), ("1e3", "1000"),
     ("on", "off"), ("0x10", "16"), ("1_000", "1:30"), ("true", "True")],
)  # fmt: skip
@pytest.mark.parametrize(
    "form", ["names: [{}, {}]", "names:\n  0: {}\n  1: {}\n", "names:\n- {}\n- {}"]
)
def test_names_in_data_yaml_are_text_as_they_are_written(first, second, form, tmp_path):
    layouts.yolo(tmp_path)
    layouts.put(tmp_path / "data.yaml", form.format(first, second).encode())

    (tmp_path / "classes.txt").unlink()

    assert labels_in(tmp_path)["a.png"] == [first, second]


@pytest.mark.parametrize(("name", "label"), [("no", "no"), (7, "7"), ("007", "007"), (" a ", "a")])
def test_names_in_coco_are_text(name, label, tmp_path):
    folder = layouts.coco(tmp_path)
    record = json.loads((folder / "annotations.json").read_text())
    record["categories"][0]["name"] = name
    layouts.put_json(folder / "annotations.json", record)

    assert labels_in(folder)["a.png"] == [label, "dog"]


def test_twenty_thousand_names_are_read(tmp_path):
    layouts.yolo(tmp_path)
    (tmp_path / "classes.txt").unlink()
    names = "".join(f"  {at}: class number {at}\n" for at in range(20_000))
    layouts.put(tmp_path / "data.yaml", f"names:\n{names}".encode())

    assert labels_in(tmp_path)["a.png"] == ["class number 0", "class number 1"]


def test_a_folder_is_listed_once_and_not_for_each_task(tmp_path, monkeypatch):
    many = {f"{at}.png": () for at in range(40)}
    folder = layouts.label_studio(tmp_path, many | {"a.png": layouts.BOXES["a.png"]})
    calls = []
    whole = Files.pictures
    monkeypatch.setattr(Files, "pictures", lambda files: calls.append(1) or whole(files))

    read_folder(folder, ("label_studio",))

    assert len(calls) < 10


def test_the_text_of_an_xml_is_joined_once_however_many_lines_it_has(tmp_path):
    lines = "line\n" * 200_000

    tree = parsed(f"<annotation>{lines}<object>{lines}</object></annotation>".encode(), "a.xml")

    assert tree.content == lines
    assert tree.inside[0].content == lines
