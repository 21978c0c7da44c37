"""What people bring that cannot be taken in, or not wholly, and how they are told."""

import zipfile

import pytest

from stages.etl import source
from stages.runtime.errors import ConfigError, DataError
from tests import makers


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"../evil.png": b"x"}, "leads out of"),
        ({"a/../../evil.png": b"x"}, "leads out of"),
        ({"/etc/evil.png": b"x"}, "leads out of"),
        ({"C:\\evil.png": b"x"}, "leads out of"),
        ({"a/zeros.png": bytes(250_000_000)}, "would unpack to"),
        ({"readme.txt": b"x"}, "no labelled samples"),
    ],
)
def test_a_zip_that_means_harm_or_holds_nothing_is_refused(workshop, tmp_path, files, message):
    archive = makers.zipped(tmp_path / "bad.zip", files)

    with pytest.raises(DataError, match=message):
        source.add("shapes", archive, workshop.settings)

    assert not list(tmp_path.rglob("evil.png"))
    assert source.revisions("shapes", workshop.settings) == []


EXPORTED = 'image,id,{},annotator,annotation_id\n/data/upload/1/0a1b2c3d-x.png,1,"{}",1,1\n'
REGION = '[{""x"":1,""y"":1,""width"":9,""height"":9,""rectanglelabels"":[""cat""]}]'


@pytest.mark.parametrize(
    ("name", "text", "problem", "remedy"),
    [
        ("export.json", '[{"data": {}, "annotations": []}]', "no pictures", "one folder, or a zip"),
        ("instances.JSON", '{"images": []}', "no pictures", "COCO"),
        ("annotations.xml", "<annotations/>", "no pictures", "CVAT's XML"),
        ("export.csv", EXPORTED.format("label", REGION), "export of Label Studio", "one folder"),
        (
            "export.csv",
            EXPORTED.format("choice", "cat"),
            "export of Label Studio",
            "file and label",
        ),
    ],
)
def test_annotations_without_their_pictures_are_refused_with_what_to_do(
    workshop, tmp_path, name, text, problem, remedy
):
    (tmp_path / name).write_text(text)

    with pytest.raises(ConfigError, match=problem) as caught:
        source.add("shapes", tmp_path / name, workshop.settings)

    assert name in caught.value.problem
    assert remedy in caught.value.remedy


def test_a_zip_of_annotations_alone_is_told_which_picture_it_lacks(workshop, tmp_path):
    table = EXPORTED.format("label", REGION).encode()
    archive = makers.zipped(tmp_path / "export.zip", {"export.csv": table})

    with pytest.raises(DataError, match=r"there is no picture '/data/upload/1/0a1b2c3d-x\.png'"):
        source.add("shapes", archive, workshop.settings)


@pytest.mark.parametrize("name", ["", ".", "./."])
def test_a_zip_with_a_file_that_has_no_name_is_refused(workshop, tmp_path, name):
    path = tmp_path / "nameless.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(zipfile.ZipInfo("a/b.png"), b"x")
        archive.writestr(zipfile.ZipInfo(name), b"x")

    with pytest.raises(DataError, match="is not a file name"):
        source.add("shapes", path, workshop.settings)


def test_a_damaged_zip_is_told(workshop, tmp_path):
    path = tmp_path / "half.zip"
    path.write_bytes(
        makers.zipped(tmp_path / "whole.zip", {"a/b.png": bytes(1000)}).read_bytes()[:80]
    )

    with pytest.raises(DataError, match=r"not a whole zip"):
        source.add("shapes", path, workshop.settings)


def test_a_zip_with_changed_content_is_told(workshop, tmp_path):
    whole = tmp_path / "whole.zip"
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a/b.png", makers.picture())
    data = bytearray(whole.read_bytes())
    data[37:60] = bytes(23)  # the compressed bytes, behind the name
    whole.write_bytes(data)

    with pytest.raises(DataError, match=r"not a whole zip"):
        source.add("shapes", whole, workshop.settings)


@pytest.mark.parametrize("names", [("a", "a/b.png"), ("a/b.png", "a")])
def test_a_zip_with_one_name_for_a_file_and_a_folder_is_told(workshop, tmp_path, names):
    archive = makers.zipped(tmp_path / "odd.zip", dict.fromkeys(names, b"x"))

    with pytest.raises(DataError, match="in the zip"):
        source.add("shapes", archive, workshop.settings)


def test_a_stray_csv_that_cannot_be_read_does_not_hide_the_labels(workshop):
    workshop.shapes(2)
    workshop.write("stray.csv", b'"' + 200_000 * b"x")

    assert workshop.add().samples == 6


def test_an_empty_folder_is_told_with_what_to_do(workshop):
    workshop.raw.mkdir()

    with pytest.raises(DataError, match=r"no labelled samples.*\n.*labels.csv"):
        workshop.add()
