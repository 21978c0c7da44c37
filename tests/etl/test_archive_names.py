"""Names in a zip that does not say how they are encoded, or that has backslashes."""

import zipfile

import pytest

from stages.config import DataConfig
from stages.etl import source
from stages.etl.readers import read_folder
from stages.runtime.errors import DataError
from tests import makers


def zipped(path, names):
    """A zip whose names are the bytes `names`, not marked as UTF-8, as old programs write it."""
    stand_ins = [f"{place:04d}".ljust(len(name), "x") for place, name in enumerate(names)]
    with zipfile.ZipFile(path, "w") as archive:
        for seed, name in enumerate(stand_ins):
            archive.writestr(name, makers.picture(seed=seed))
    data = path.read_bytes()
    for stand_in, name in zip(stand_ins, names, strict=True):
        data = data.replace(stand_in.encode(), name)
    path.write_bytes(data)
    return path


def labels_of(workshop, archive):
    source.add("shapes", archive, workshop.settings)
    with source.opened(DataConfig(name="shapes"), workshop.settings) as folder:
        return {row.label for row in read_folder(folder).rows}


ENCODED = [
    ("gbk", ("苹果", "香蕉")),
    ("gbk", ("apple", "新建文件夹")),
    ("cp437", ("Bär", "Käfer")),
    ("cp437", ("café", "thé")),
    ("utf-8", ("Bär", "苹果")),
    ("cp932", ("リンゴ", "バナナ")),
    ("cp866", ("кошка", "собака")),
]


@pytest.mark.parametrize(("encoding", "labels"), ENCODED)
def test_labels_are_read_in_the_encoding_of_the_zip(workshop, tmp_path, encoding, labels, caplog):
    names = [f"{label}/{k}.png".encode(encoding) for label in labels for k in range(2)]

    found = labels_of(workshop, zipped(tmp_path / "old.zip", names))

    assert found == set(labels)
    guesses = [record.message for record in caplog.records if "how its names" in record.message]
    assert bool(guesses) == (encoding != "utf-8")
    assert all(encoding in guess for guess in guesses)


def test_names_in_no_known_encoding_are_refused_with_what_to_do(workshop, tmp_path):
    names = ["사과/1.png".encode("cp949"), b"\xff\xfe\xfd/2.png"]

    with pytest.raises(DataError, match="2 names are in an encoding that cannot be told") as caught:
        labels_of(workshop, zipped(tmp_path / "old.zip", names))

    assert "UTF-8" in caught.value.remedy


@pytest.mark.parametrize(
    "names",
    [
        ("cat\\1.png", "dog\\2.png"),
        ("all\\cat\\1.png", "all\\dog\\2.png"),
        ("cat\\1.png", "dog/2.png"),
    ],
)
def test_backslashes_part_folders(workshop, tmp_path, names):
    archive = zipped(tmp_path / "windows.zip", [name.encode() for name in names])

    assert labels_of(workshop, archive) == {"cat", "dog"}


@pytest.mark.parametrize("name", ["..\\evil.png", "a\\..\\..\\evil.png", "\\\\host\\evil.png"])
def test_backslashes_do_not_lead_out(workshop, tmp_path, name):
    archive = zipped(tmp_path / "bad.zip", [name.encode(), b"cat/1.png"])

    with pytest.raises(DataError, match="leads out of"):
        labels_of(workshop, archive)


def test_two_names_that_are_one_with_slashes_are_refused(workshop, tmp_path):
    archive = zipped(tmp_path / "twice.zip", [b"cat\\1.png", b"cat/1.png"])

    with pytest.raises(DataError, match="is in it twice"):
        labels_of(workshop, archive)
