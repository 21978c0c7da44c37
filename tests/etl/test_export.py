"""What was exported is read by our readers as the same labels, boxes, splits and groups."""

import csv
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from stages.artifacts import Box, digest_of
from stages.config import DataConfig
from stages.etl import source
from stages.etl.export import answers_of, export_revision, export_zip, write_layout
from stages.etl.readers import Reading, Row, read_folder
from stages.etl.readers.delimited import guarded, unguarded
from stages.etl.writers.file_names import FileNames, safe_part
from stages.parts import WRITERS
from stages.runtime.errors import ConfigError, DataError
from stages.settings import Settings
from tests import layouts, makers

SPLITS = ("train", "validation", "test", "train")
OF_LABELS = [name for name in WRITERS if "labels" in WRITERS[name].answers]
OF_BOXES = [name for name in WRITERS if "boxes" in WRITERS[name].answers]
HOSTILE = '<script>alert("x")</script>'


def labelled(folder: Path, labels, splits=SPLITS, names=None) -> Reading:
    """Pictures with `labels`, in folders of no meaning."""
    rows = []
    for index, label in enumerate(labels):
        name = names[index] if names else f"box {index % 2}/{index}.png"
        layouts.put(folder / name, makers.picture(seed=index))
        rows.append(Row(name, label, splits[index % len(splits)], extra={"site": f"{index}"}))
    return Reading(tuple(rows), layout="csv")


def boxed(folder: Path, label="cat", splits=SPLITS) -> Reading:
    """Pictures of one size with boxes; the last has none."""
    rows = []
    for index in range(6):
        name = f"yard/{index}.png"
        layouts.put(folder / name, layouts.picture(index))
        boxes = (Box(label, 0.0, 0.0, 7.25, 60.0), Box("dog", 4.5 + index, 5.0, 79.0, 25.0))
        rows.append(Row(name, split=splits[index % len(splits)], boxes=boxes if index < 5 else ()))
    return Reading(tuple(rows), layout="coco")


def content(rows, folder: Path):
    """Each sample by the bytes of its file, as names may change."""
    return {
        (folder / row.file).read_bytes(): (
            row.label,
            row.split,
            row.group,
            [(box.label, *(round(edge, 2) for edge in box[1:])) for box in row.boxes],
        )
        for row in rows
    }


@pytest.mark.parametrize("layout", OF_LABELS)
def test_labels_and_splits_are_read_back(tmp_path, layout):
    reading = labelled(tmp_path / "raw", ["cat", "dog", "hat", "a b"] * 4)
    (tmp_path / "out").mkdir()

    write_layout(reading, tmp_path / "raw", layout, tmp_path / "out")

    read = read_folder(tmp_path / "out")
    assert content(read.rows, tmp_path / "out") == content(reading.rows, tmp_path / "raw")


@pytest.mark.parametrize("layout", OF_BOXES)
def test_boxes_and_splits_are_read_back(tmp_path, layout):
    reading = boxed(tmp_path / "raw")
    (tmp_path / "out").mkdir()

    write_layout(reading, tmp_path / "raw", layout, tmp_path / "out")

    read = read_folder(tmp_path / "out")
    assert content(read.rows, tmp_path / "out") == content(reading.rows, tmp_path / "raw")


@pytest.mark.parametrize("layout", WRITERS)
def test_without_splits_none_are_read(tmp_path, layout):
    make = labelled if layout in OF_LABELS else boxed
    options = {"labels": ["cat", "dog"] * 3} if layout in OF_LABELS else {}
    reading = make(tmp_path / "raw", splits=("",), **options)
    (tmp_path / "out").mkdir()

    write_layout(reading, tmp_path / "raw", layout, tmp_path / "out")

    assert {row.split for row in read_folder(tmp_path / "out").rows} == {""}


@pytest.mark.parametrize("layout", WRITERS)
def test_groups_are_kept_or_it_is_told(tmp_path, layout):
    is_labelled = layout in OF_LABELS
    reading = (
        labelled(tmp_path / "raw", ["cat", "dog"] * 2) if is_labelled else boxed(tmp_path / "raw")
    )
    rows = tuple(replace(row, group=f"film {index % 2}") for index, row in enumerate(reading.rows))
    (tmp_path / "out").mkdir()

    exported = write_layout(replace(reading, rows=rows), tmp_path / "raw", layout, tmp_path / "out")

    groups = {row.group for row in read_folder(tmp_path / "out").rows}
    has_note = any("no place for groups" in note for note in exported.notes)
    assert (groups == {"film 0", "film 1"}) != has_note


@pytest.mark.parametrize("label", [HOSTILE, "=cmd|' /C calc'!A0", "@SUM(1)", "'=1", "..", "a/b"])
def test_hostile_labels_do_no_harm_and_stay_what_they_are(tmp_path, label):
    reading = labelled(tmp_path / "raw", [label, "cat"] * 3)
    (tmp_path / "out").mkdir()

    write_layout(reading, tmp_path / "raw", "csv", tmp_path / "out")

    read = read_folder(tmp_path / "out")
    assert content(read.rows, tmp_path / "out") == content(reading.rows, tmp_path / "raw")
    with (tmp_path / "out" / "labels.csv").open(newline="") as text:
        fields = [field for line in csv.reader(text) for field in line]
    assert not [field for field in fields if field.startswith(("=", "+", "@"))]


@pytest.mark.parametrize("label", ["../../x", "..", "a/b", ".hidden", "CON", "a\\b", "__x", "x "])
def test_a_label_that_is_no_folder_is_refused_and_nothing_is_written_outside(tmp_path, label):
    reading = labelled(tmp_path / "raw", [label, "cat"] * 2)
    (tmp_path / "out" / "in").mkdir(parents=True)

    with pytest.raises(DataError, match="cannot be the name of a folder"):
        write_layout(reading, tmp_path / "raw", "class_folders", tmp_path / "out" / "in")

    assert {path.name for path in (tmp_path / "out").iterdir()} == {"in"}


@pytest.mark.parametrize("label", ["train", "fold1", "images"])
def test_a_label_that_would_be_read_otherwise_is_refused(tmp_path, label):
    reading = labelled(tmp_path / "raw", [label, "cat"] * 2)
    (tmp_path / "out").mkdir()

    with pytest.raises(DataError, match="would not be read back as they are"):
        write_layout(reading, tmp_path / "raw", "class_folders", tmp_path / "out")


@pytest.mark.parametrize("layout", OF_BOXES)
@pytest.mark.parametrize("label", [HOSTILE, "..", "=1+1", "a: b", "yes", "日本 &amp;"])
def test_hostile_labels_of_boxes_stay_what_they_are(tmp_path, layout, label):
    reading = boxed(tmp_path / "raw", label)
    (tmp_path / "out").mkdir()

    write_layout(reading, tmp_path / "raw", layout, tmp_path / "out")

    read = read_folder(tmp_path / "out")
    assert content(read.rows, tmp_path / "out") == content(reading.rows, tmp_path / "raw")


def test_hostile_file_names_become_safe_ones(tmp_path):
    names = ["=cmd.png", "..\\..\\up.png", "a<b>.png", "con.png", "A.png", "a.png", "x\n.png"]
    reading = labelled(tmp_path / "raw", ["cat", "dog"] * 4, names=[*names, "á.png"])
    (tmp_path / "out").mkdir()

    write_layout(reading, tmp_path / "raw", "csv", tmp_path / "out")

    found = sorted(path.name for path in (tmp_path / "out").glob("*.png"))
    assert not [name for name in found if set(name) & set('\\<>"\n')]
    assert len({name.casefold() for name in found}) == len(names) + 1
    read = read_folder(tmp_path / "out")
    assert content(read.rows, tmp_path / "out") == content(reading.rows, tmp_path / "raw")


def test_names_are_distinct_where_an_annotation_is_named_after_its_file():
    names, stems = FileNames(False), FileNames(True)

    assert [names.path("a", name) for name in ("1.png", "1.jpg", "1.PNG")] == [
        *("a/1.png", "a/1.jpg", "a/1-2.PNG")
    ]
    assert [stems.path("a", name) for name in ("1.png", "1.jpg")] == ["a/1.png", "a/1-2.jpg"]
    assert safe_part("x" * 300 + ".png") == "x" * 196 + ".png"


def test_a_guarded_field_is_what_it_was():
    for field in ("=1", "'=1", "''+x", "'x", "x", "-5", "-x", "@a", ""):
        assert unguarded(guarded(field)) == field
    assert guarded("-5") == "-5"


def test_a_layout_without_a_place_for_the_annotations_is_refused(tmp_path):
    (tmp_path / "out").mkdir()

    with pytest.raises(DataError, match="class_folders has no place for boxes"):
        write_layout(boxed(tmp_path / "raw"), tmp_path / "raw", "class_folders", tmp_path / "out")


def test_samples_that_cannot_be_used_are_left_out_and_told(tmp_path):
    reading = labelled(tmp_path / "raw", ["cat", "dog"] * 3)
    rows = (replace(reading.rows[0], problem="no box"), *reading.rows[1:])
    (tmp_path / "out").mkdir()

    exported = write_layout(replace(reading, rows=rows), tmp_path / "raw", "csv", tmp_path / "out")

    assert exported.samples == 5
    assert "Left out" in exported.notes[0]


def test_a_revision_is_exported_by_the_command(tmp_path):
    settings = Settings(workspace=tmp_path / "ws", threads=1)
    source.add("shapes", makers.folder_of_pictures(tmp_path / "p", each=3), settings)
    command = "from stages.cli import main; main()"
    arguments = ["data", "export", "shapes", str(tmp_path / "new/out"), "--as", "csv"]

    done = subprocess.run(
        [sys.executable, "-c", command, *arguments],
        env={"AIWF_WORKSPACE": str(tmp_path / "ws"), "PATH": "", "PYTHONPATH": str(Path.cwd())},
        capture_output=True,
        text=True,
    )

    assert "9 samples as csv" in done.stdout, done.stderr
    read = read_folder(tmp_path / "new/out")
    assert sorted({row.label for row in read.rows}) == ["circle", "square", "triangle"]
    assert {path.name for path in (tmp_path / "new").iterdir()} == {"out"}


def test_a_folder_with_something_in_it_is_not_touched(tmp_path):
    settings = Settings(workspace=tmp_path / "ws", threads=1)
    source.add("shapes", makers.folder_of_pictures(tmp_path / "p", each=3), settings)
    raw = source.raw_data(DataConfig(name="shapes"), settings)
    layouts.put(tmp_path / "out/mine.txt", b"mine")

    with pytest.raises(ConfigError, match="is there already"):
        export_revision(raw, "csv", tmp_path / "out")

    assert (tmp_path / "out/mine.txt").read_bytes() == b"mine"


def test_coco_has_what_other_tools_need(tmp_path):
    reading = boxed(tmp_path / "raw")
    (tmp_path / "out").mkdir()

    write_layout(reading, tmp_path / "raw", "coco", tmp_path / "out")

    record = json.loads((tmp_path / "out/annotations_train.json").read_text())
    assert {"id", "file_name", "width", "height"} <= set(record["images"][0])
    assert {"id", "image_id", "category_id", "bbox", "area", "iscrowd"} <= set(
        record["annotations"][0]
    )
    assert answers_of(reading) == "boxes"


@pytest.mark.parametrize("make", [labelled, boxed])
def test_the_croissant_description_fits_the_files(tmp_path, make):
    options = {"labels": ["cat", "dog"] * 3} if make is labelled else {}
    reading, out = make(tmp_path / "raw", **options), tmp_path / "shapes"
    out.mkdir()

    write_layout(reading, tmp_path / "raw", "croissant", out)

    record = json.loads((out / "croissant.json").read_text())
    assert (record["@type"], record["name"]) == ("sc:Dataset", "shapes")
    assert record["conformsTo"] == "http://mlcommons.org/croissant/1.0"
    files = {file["@id"]: file for file in record["distribution"]}
    for file in files.values():
        if file["@type"] == "cr:FileObject":
            assert file["sha256"] == digest_of((out / file["contentUrl"]).read_bytes())
        else:
            assert len(list(out.glob(file["includes"]))) == len(reading.rows)
    fields = {field["@id"]: field for each in record["recordSet"] for field in each["field"]}
    for field in fields.values():
        source_of = field["source"]
        with (out / source_of["fileObject"]["@id"]).open(newline="") as text:
            assert source_of["extract"]["column"] in next(csv.reader(text))
        if "references" in field:
            assert field["references"]["field"]["@id"] in fields
    assert {each["key"]["@id"] for each in record["recordSet"] if "key" in each} <= set(fields)


def test_a_zip_is_the_same_twice_and_is_read_as_the_revision(tmp_path):
    settings = Settings(workspace=tmp_path / "ws", threads=1)
    source.add("shapes", makers.folder_of_pictures(tmp_path / "p", each=3), settings)
    raw = source.raw_data(DataConfig(name="shapes"), settings)

    export_zip(raw, "class_folders", tmp_path / "a.zip")
    export_zip(raw, "class_folders", tmp_path / "b.zip")

    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()
    again = source.add("again", tmp_path / "a.zip", settings)
    assert again.samples == 9
    assert {path.name for path in tmp_path.iterdir()} == {"ws", "p", "a.zip", "b.zip"}
