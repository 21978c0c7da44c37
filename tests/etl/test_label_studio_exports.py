"""What Label Studio exports: every form of export, every kind of region, its names of pictures."""

import csv
import json
from typing import Any

import pytest

from stages.etl.readers import Reading, read_folder
from stages.runtime.errors import DataError
from tests import layouts

CAT, DOG = layouts.BOXES["a.png"]
WIDE, HIGH = layouts.WIDTH, layouts.HEIGHT
PERCENT = {"x": 12.5, "y": 100 / 3, "width": 37.5, "height": 50, "rotation": 0}  # CAT
TRIANGLE = [[12.5, 100 / 3], [50, 50], [30, 250 / 3]]


def result(kind: str, labels: list[str] | None = None, **value: Any) -> dict[str, Any]:
    named = {kind: labels} if labels is not None else {}
    sides = {"original_width": WIDE, "original_height": HIGH}
    return {"id": "r", "type": kind, **sides, "value": {**value, **named}}


def export(folder, *results: dict[str, Any], called: str = "a.png") -> Reading:
    layouts.put(folder / "a.png", layouts.picture())
    task = {"id": 1, "data": {"image": called}, "annotations": [{"id": 1, "result": results}]}
    layouts.put_json(folder / "export.json", [task])
    return read_folder(folder)


@pytest.mark.parametrize(
    ("results", "note"),
    [
        ([result("rectanglelabels", ["cat"], **PERCENT)], ""),
        ([result("polygonlabels", ["cat"], points=TRIANGLE, closed=True)], "1 polygon in 1 file"),
        ([result("rectangle", **PERCENT), result("labels", ["cat"], **PERCENT)], ""),
        ([result("labels", ["cat"], points=TRIANGLE), result("polygon", points=TRIANGLE)], "1"),
        (
            [
                result("rectanglelabels", ["cat"], **PERCENT),
                {"id": "c", "type": "choices", "value": {"choices": ["sharp"]}},
                {"type": "relation", "from_id": "r", "to_id": "r", "direction": "right"},
            ],
            "",
        ),
        (
            [
                result("rectanglelabels", ["cat"], **PERCENT),
                result("rectanglelabels", ["dog"], **{**PERCENT, "width": 0, "height": 0}),
            ],
            "1 object without any extent",
        ),
    ],
)  # fmt: skip
def test_a_region_becomes_a_box_and_what_is_made_is_said(results, note, tmp_path):
    reading = export(tmp_path, *results)

    (box,) = reading.rows[0].boxes
    assert box[1:] == pytest.approx(CAT[1:], abs=1e-3)
    assert note in "".join(reading.notes)
    assert len(reading.notes) == bool(note)


@pytest.mark.parametrize("number", [["r"], {}, 0, "r"])
def test_two_results_of_one_region_may_have_any_id(number, tmp_path):
    parts = [result("rectangle", **PERCENT), result("labels", ["cat"], **PERCENT)]

    reading = export(tmp_path, *({**part, "id": number} for part in parts))

    assert len(reading.rows[0].boxes) == 1


def test_a_rotated_rectangle_is_said(tmp_path):
    reading = export(tmp_path, result("rectanglelabels", ["cat"], **{**PERCENT, "rotation": 30}))

    assert reading.notes == ("Boxes were made around 1 rotated box in 1 file ('a.png')",)


@pytest.mark.parametrize(
    ("results", "problem"),
    [
        ([result("keypointlabels", ["cat"], x=1, y=2, width=0.5)], "'keypoint', which is not read"),
        ([result("brushlabels", ["cat"], format="rle", rle=[0, 1])], "'brush', which is not read"),
        ([result("ellipselabels", ["cat"], x=9, y=9, radiusX=2, radiusY=3)], "'ellipse', which"),
        ([result("rectangle", **PERCENT)], "it has None instead of one label"),
        ([result("rectanglelabels", [], **PERCENT)], "it has [] instead of one label"),
        ([result("polygonlabels", ["cat"], points=[[1, 2], [3]])], "not pairs of numbers"),
        ([result("polygonlabels", ["cat"], points=[])], "not pairs of numbers"),
        ([result("polygonlabels", ["cat"], points=[["1", 2]])], "not pairs of numbers"),
        ([result("labels", ["cat"])], "'unknown', which is not read"),
        (
            [{**result("rectangle", **PERCENT), "id": "r"}, {"type": ["brush"]}],
            "instead of one label",
        ),
    ],
)
def test_a_region_that_is_not_read_sets_its_picture_aside(results, problem, tmp_path):
    good = {**result("rectanglelabels", ["dog"], **PERCENT), "id": "good"}

    (row,) = export(tmp_path, good, *results).rows

    assert row.boxes == ()
    assert problem in row.problem
    assert row.problem.startswith("export.json, [0] (id 1), result[1] (id r): ")


@pytest.mark.parametrize(
    "called",
    [
        "/data/local-files/?d=sub/a%20b%26c.png",
        "/data/local-files/?d=home/me/sub/a b&c.png",
        "/label-studio/data/local-files/?d=sub/a%20b%26c.png",
        "http://localhost:8080/data/local-files/?d=C%3A%5Csub%5Ca%20b%26c.png",
        "/data/upload/12/0123abcd-a b&c.png",
        "s3://bucket/sub/a%20b&c.png",
        "gs://bucket/x/a b&c.png",
        "/label-studio/data/upload/12/0123abcd-a b&c.png",
    ],
)
def test_a_picture_is_found_whatever_its_address_begins_with(called, tmp_path):
    layouts.put(tmp_path / "sub" / "a b&c.png", layouts.picture())
    task = {"id": 1, "data": {"image": called}, "annotations": [{"result": []}]}
    region = result("rectanglelabels", ["cat"], **PERCENT)
    task["annotations"][0]["result"] = [region]
    layouts.put_json(tmp_path / "export.json", [task])

    assert [row.file for row in read_folder(tmp_path).rows] == ["sub/a b&c.png"]


def flat(name: str, *regions: dict[str, Any], **extra: Any) -> dict[str, Any]:
    """A task of JSON-MIN."""
    common = {"annotator": 1, "annotation_id": 5, "created_at": "2024-01-01", "lead_time": 2.5}
    return {"image": f"/data/upload/1/0123abcd-{name}", "id": 7, **common, **extra,
            **({"label": list(regions)} if regions else {})}  # fmt: skip


RECTANGLE = {**PERCENT, "rectanglelabels": ["cat"], "original_width": WIDE, "original_height": HIGH}
POLYGON = {"points": TRIANGLE, "polygonlabels": ["dog"], "original_width": WIDE}


@pytest.mark.parametrize("form", ["json", "csv", "tsv"])
def test_json_min_and_csv_say_the_same_as_json(form, tmp_path):
    for seed, name in enumerate(("a.png", "b.png", "c.png")):
        layouts.put(tmp_path / name, layouts.picture(seed))
    tasks = [
        flat("a.png", RECTANGLE),
        flat("b.png", RECTANGLE, POLYGON, choice="sharp"),
        flat("c.png"),
    ]
    write(tmp_path / f"project-1.{form}", tasks)

    reading = read_folder(tmp_path)

    assert {row.file: [box.label for box in row.boxes] for row in reading.rows} == {
        "a.png": ["cat"],
        "b.png": ["cat", "dog"],
        "c.png": [],
    }
    assert reading.rows[0].boxes[0][1:] == pytest.approx(CAT[1:], abs=1e-3)
    assert reading.rows[0].size == (WIDE, HIGH)
    assert "1 polygon" in reading.notes[0]
    assert list(reading.tables) == [f"project-1.{form}"]


def write(path, tasks: list[dict[str, Any]]) -> None:
    if path.suffix == ".json":
        layouts.put_json(path, tasks)
        return
    columns = list(dict.fromkeys(key for task in tasks for key in task))
    with path.open("w", newline="", encoding="utf-8-sig") as out:
        writer = csv.DictWriter(out, columns, delimiter="," if path.suffix == ".csv" else "\t")
        writer.writeheader()
        for task in tasks:
            cells = {key: value if not isinstance(value, list) else json.dumps(value)
                     for key, value in task.items()}  # fmt: skip
            writer.writerow(cells)


@pytest.mark.parametrize(
    ("region", "problem"),
    [
        ({**RECTANGLE, "rectanglelabels": []}, "instead of one label"),
        ({"x": 1, "y": 2, "width": 0.5, "keypointlabels": ["cat"]}, "which is not read"),
        ({"format": "rle", "rle": [1], "brushlabels": ["cat"]}, "which is not read"),
        ({**PERCENT, "original_width": WIDE}, "it has None instead of one label"),
    ],
)
@pytest.mark.parametrize("form", ["json", "csv"])
def test_regions_of_json_min_and_csv_that_are_not_read_are_told(form, region, problem, tmp_path):
    layouts.put(tmp_path / "a.png", layouts.picture())
    write(tmp_path / f"min.{form}", [flat("a.png", RECTANGLE, region)])

    (row,) = read_folder(tmp_path).rows

    assert row.boxes == ()
    assert problem in row.problem


def test_a_csv_whose_fields_were_cut_off_is_refused_with_its_line(tmp_path):
    layouts.put(tmp_path / "a.png", layouts.picture())
    write(tmp_path / "x.csv", [flat("a.png", RECTANGLE), flat("a.png", RECTANGLE, POLYGON)])
    text = (tmp_path / "x.csv").read_text(encoding="utf-8-sig")
    (tmp_path / "x.csv").write_text(text.replace('}]"', '"'))

    with pytest.raises(DataError, match=r"x.csv, line 2: a field with results is not JSON"):
        read_folder(tmp_path)


def test_choices_alone_are_no_boxes(tmp_path):
    layouts.put(tmp_path / "cat" / "a.png", layouts.picture())
    layouts.put(tmp_path / "dog" / "b.png", layouts.picture(1))
    choice = {"id": "c", "type": "choices", "value": {"choices": ["sharp"]}}
    task = {"id": 1, "data": {"image": "a.png"}, "annotations": [{"result": [choice]}]}
    layouts.put_json(tmp_path / "export.json", [task])

    assert [row.label for row in read_folder(tmp_path).rows] == ["cat", "dog"]
