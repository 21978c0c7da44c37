"""Annotated boxes become pictures with a label: data for the second network of a chain."""

import csv
import io
import json

import numpy as np
import pytest
from PIL import Image

from stages.artifacts import Box, digest_of
from stages.config import DataConfig
from stages.etl import source
from stages.etl.crops import cropped, margin_of, opened_photos, photos_of
from stages.etl.manifest import Sample, samples_of
from stages.etl.readers import read_folder
from stages.runtime.crops import crop
from stages.runtime.errors import ConfigError, DataError
from stages.runtime.pictures import decode_picture
from tests import makers


@pytest.fixture
def store(tmp_path):
    return makers.store(tmp_path)


@pytest.fixture
def scenes(store):
    return makers.boxes_dataset(store, count=40)


def table(folder) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO((folder / "labels.csv").read_text())))


def test_each_box_is_a_picture_in_the_folder_of_its_label(scenes, store):
    with cropped(photos_of(scenes, store), 0.1) as (folder, counts):
        rows = table(folder)
        files = [folder / row["file"] for row in rows]

        boxes = [box for sample in samples_of(scenes, store) for box in sample.boxes]
        assert counts.crops == len(rows) == len(boxes)
        assert all(path.parent.name == row["label"] for path, row in zip(files, rows, strict=True))
        assert all(path.is_file() for path in files)


def test_a_crop_is_what_a_chain_cuts_out(scenes, store):
    with cropped(photos_of(scenes, store), 0.25) as (folder, _):
        row = table(folder)[0]
        found = decode_picture((folder / row["file"]).read_bytes())

    sample = next(each for each in samples_of(scenes, store) if each.file == row["photo"])
    picture = decode_picture(store.get(sample.digest))
    box = [float(edge) for edge in row["box"].split()]
    np.testing.assert_array_equal(found, crop(picture, box, 0.25))
    assert row["margin"] == "0.25"


def test_crops_of_a_test_photo_are_of_the_test_and_of_one_group(scenes, store):
    by_digest = {sample.digest: sample for sample in samples_of(scenes, store)}

    with cropped(photos_of(scenes, store), 0.1) as (folder, _):
        rows = table(folder)

    assert {row["split"] for row in rows} == {"train", "validation", "test"}
    for row in rows:
        assert by_digest[row["group"]].split == row["split"]


def test_a_named_group_of_photos_stays_the_group(store):
    photo, boxes = makers.scene(0)
    digest = store.add(photo)
    facts = {"width": 96, "height": 96}
    sample = Sample("a.png", digest, "", "train", "group:yard 7", facts, boxes)
    dataset = makers._saved(store, "object_detection", "d", [sample], 0)

    with cropped(photos_of(dataset, store), 0.1) as (folder, _):
        assert {row["group"] for row in table(folder)} == {"yard 7"}


def test_the_folder_is_read_as_it_was_meant(scenes, store):
    with cropped(photos_of(scenes, store), 0.1) as (folder, counts):
        reading = read_folder(folder)

    assert len(reading.rows) == counts.crops
    assert {row.label for row in reading.rows} == set(makers.LABELS)
    assert all(row.group for row in reading.rows)


def test_raw_data_are_cropped_and_added(tmp_path):
    settings = makers.settings(tmp_path)
    source.add("scenes", makers.folder_of_boxes(tmp_path / "scenes", count=16), settings)

    raw = source.raw_data(DataConfig(name="scenes"), settings)
    with opened_photos(raw) as photos, cropped(photos, 0.1) as (folder, counts):
        added = source.add("crops", folder, settings)

    assert added.samples == counts.crops
    groups = {digest_of(makers.scene(index)[0]) for index in range(16)}
    with source.opened(DataConfig(name="crops"), settings) as folder:
        assert {row["group"] for row in table(folder)} <= groups


def test_only_boxes_of_the_named_labels_are_cut_out(scenes, store):
    with cropped(photos_of(scenes, store), 0.1, ["circle"]) as (folder, _):
        assert {row["label"] for row in table(folder)} == {"circle"}


def test_a_label_with_separators_is_one_folder(store):
    photo, _ = makers.scene(0)
    boxes = (Box("../up/down", 0, 0, 40, 40), Box("..", 0, 0, 30, 30), Box("=1+1", 0, 0, 20, 20))
    facts = {"width": 96, "height": 96}
    sample = Sample("a.png", store.add(photo), "", "train", "", facts, boxes)
    dataset = makers._saved(store, "object_detection", "d", [sample], 0)

    with cropped(photos_of(dataset, store), 0.1) as (folder, _):
        labels = {row.label for row in read_folder(folder).rows}
        files = {path.relative_to(folder).parts[0] for path in folder.rglob("*.png")}

    assert labels == {box.label for box in boxes}
    assert len(files) == 3


def test_what_cannot_be_cut_out_is_counted_and_named(tmp_path):
    folder = tmp_path / "scenes"
    makers.folder_of_boxes(folder, count=8)
    coco = json.loads((folder / "annotations.json").read_text())
    coco["annotations"][0]["bbox"] = [5, 5, 1, 30]
    (folder / "annotations.json").write_text(json.dumps(coco))
    settings = makers.settings(tmp_path)
    (folder / "images" / "003.png").write_bytes(b"no picture")
    source.add("scenes", folder, settings)

    raw = source.raw_data(DataConfig(name="scenes"), settings)
    with opened_photos(raw) as photos, cropped(photos, 0.1) as (_, counts):
        assert counts.tiny == 1
        assert len(counts.unusable) == 1
        assert "003.png" in counts.unusable[0]


def test_data_without_boxes_are_refused(store):
    dataset = makers.dataset(store, each=5)

    with (
        pytest.raises(DataError, match="no box to cut out"),
        cropped(photos_of(dataset, store), 0.1),
    ):
        pass


def test_thousands_of_boxes_around_nearly_all_of_a_photo_are_refused_before_they_are_written(
    store, monkeypatch
):
    monkeypatch.setattr("stages.etl.crops.MOST_PIXELS", 10_000_000)
    monkeypatch.setattr("stages.etl.crops._written", lambda *arguments: pytest.fail("written"))
    photo = photos_of(makers.boxes_dataset(store, count=10), store)[0]
    many = photo._replace(boxes=lambda facts: [Box("disc", 1, 1, 30, 30)] * 10_000)

    with pytest.raises(DataError, match="smaller --margin"), cropped([many], 4.0):
        pass


@pytest.mark.parametrize("margin", [-0.1, 99, float("nan")])
def test_a_margin_out_of_range_is_refused(scenes, store, margin):
    with (
        pytest.raises(ConfigError, match="The margin is"),
        cropped(photos_of(scenes, store), margin),
    ):
        pass


def test_a_label_that_no_box_has_is_refused_with_the_nearest(scenes, store):
    with (
        pytest.raises(ConfigError, match="No box has the label 'circel'") as caught,
        cropped(photos_of(scenes, store), 0.1, ["circel"]),
    ):
        pass

    assert "circle" in caught.value.remedy


def test_the_margin_is_known_if_all_crops_have_the_same():
    def sample(**extra):
        return Sample("a.png", "0", extra=extra)

    assert margin_of([sample(margin="0.1"), sample(margin="0.1")]) == 0.1
    assert margin_of([sample(margin="0.1"), sample(margin="0.2")]) is None
    assert margin_of([sample()]) is None
    assert margin_of([sample(margin="wide")]) is None


def test_a_turned_photo_is_cut_upright(store):
    image = Image.new("RGB", (40, 20))
    image.paste((255, 0, 0), (0, 0, 10, 10))
    exif = Image.Exif()
    exif[0x0112] = 6  # shown, its left edge is above
    out = io.BytesIO()
    image.save(out, "PNG", exif=exif.tobytes())
    facts = {"width": 20, "height": 40}
    boxes = (Box("corner", 10, 0, 20, 10),)
    sample = Sample("a.png", store.add(out.getvalue()), "", "train", "", facts, boxes)
    dataset = makers._saved(store, "object_detection", "d", [sample], 0)

    with cropped(photos_of(dataset, store), 0) as (folder, _):
        found = decode_picture((folder / table(folder)[0]["file"]).read_bytes())

    assert (found == (255, 0, 0)).all()
