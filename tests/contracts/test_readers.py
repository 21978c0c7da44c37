"""What every reader promises, and what those of labels do with what people write."""

import sys
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from stages.etl.readers import Row, read_folder
from stages.etl.readers.choices import Choices
from stages.etl.readers.files import Files
from stages.etl.readers.walking import walk
from stages.parts import READERS
from stages.runtime.errors import DataError
from tests import layouts


def tree(folder: Path, *names: str, **tables: bytes | str) -> Path:
    """Write a file for each of `names`, and each of `tables` as NAME.csv."""
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(name.encode())
    for name, text in tables.items():
        data = text.encode() if isinstance(text, str) else text
        (folder / f"{name}.csv").write_bytes(data)
    return folder


def listed(folder: Path) -> Path:
    """Write train_list.txt and val_list.txt with class numbers, and labels.txt."""
    for name, line in {"train": "jpg/1.png 0", "val": "jpg/2.png 1"}.items():
        (folder / f"{name}_list.txt").write_text(f"{line}\n")
    (folder / "labels.txt").write_text("cat\ndog\n")
    return folder


LAYOUTS = {
    "class_folders": lambda folder: tree(folder, "cat/1.png", "dog/2.png"),
    "csv": lambda folder: tree(folder, "1.png", "2.png", labels="file,label\n1.png,cat\n2.png,dog"),
    "inner_folders": lambda folder: tree(
        folder, "a/cat/1.png", "a/dog/2.png", "b/cat/3.png", "b/dog/4.png"
    ),
    "lists": lambda folder: listed(tree(folder, "jpg/1.png", "jpg/2.png")),
}


EVERY = {**LAYOUTS, **layouts.BOXED}


@pytest.mark.parametrize("name", list(READERS))
def test_it_knows_its_own_layout_and_names_files_that_are_there(name, tmp_path):
    folder = EVERY[name](tmp_path)
    reader = READERS[name]()

    files = Files(folder)
    assert reader.matches(files)
    reading = reader.read(files)

    labels = {label for row in reading.rows for label in (row.label, *(b.label for b in row.boxes))}
    assert labels - {""} == {"cat", "dog"}
    assert [row.file for row in reading.rows] == sorted(row.file for row in reading.rows)
    assert all((folder / row.file).is_file() for row in reading.rows)
    assert all((folder / name).is_file() for name in reading.tables.values())


@pytest.mark.parametrize("name", list(READERS))
def test_what_is_kept_of_a_folder_reads_as_the_folder(name, tmp_path):
    reading = READERS[name]().read(Files(EVERY[name](tmp_path / "theirs")))
    files = {row.file: row.file for row in reading.rows} | reading.tables
    for new, old in files.items():
        layouts.put(tmp_path / "ours" / new, (tmp_path / "theirs" / old).read_bytes())

    again = READERS[name]().read(Files(tmp_path / "ours"))

    assert again == reading


@pytest.mark.parametrize("name", list(READERS))
def test_it_does_not_know_an_empty_folder(name, tmp_path):
    assert not READERS[name]().matches(Files(tmp_path))


@pytest.mark.parametrize("name", list(EVERY))
def test_each_layout_is_found_among_all_readers(name, tmp_path):
    folder = EVERY[name](tmp_path)
    choices = Choices(layout=name if name == "inner_folders" else "")  # it is never a guess

    assert read_folder(folder, choices=choices).rows == READERS[name]().read(Files(folder)).rows


@pytest.mark.parametrize("name", sorted({*EVERY} - {"inner_folders"}))
def test_a_folder_is_walked_once_however_many_readers_look_at_it(name, tmp_path):
    folder, walks = EVERY[name](tmp_path), []

    def count(frame: FrameType, event: str, _: Any) -> None:
        if event == "call" and frame.f_code is walk.__code__:
            walks.append(frame.f_locals["folder"])

    sys.setprofile(count)
    try:
        read_folder(folder)
    finally:
        sys.setprofile(None)

    assert walks == [folder]


def test_folders_of_splits_give_the_split(tmp_path):
    folder = tree(tmp_path, "train/cat/1.png", "Val/cat/2.png", "test/cat/deep/3.png")

    rows = read_folder(folder).rows

    assert {row.file: (row.label, row.split) for row in rows} == {
        "train/cat/1.png": ("cat", "train"),
        "Val/cat/2.png": ("cat", "validation"),
        "test/cat/deep/3.png": ("cat", "test"),
    }


def test_a_label_may_be_called_train(tmp_path):
    folder = tree(tmp_path, "train/1.png", "tram/2.png")

    assert [row.label for row in read_folder(folder).rows] == ["train", "tram"]


def test_links_are_followed_but_not_in_circles(tmp_path):
    folder = tree(tmp_path / "data", "cat/1.png")
    tree(tmp_path / "elsewhere", "2.png")
    (folder / "dog").symlink_to(tmp_path / "elsewhere")
    (folder / "cat" / "loop").symlink_to(folder)

    assert [row.file for row in read_folder(folder).rows] == ["cat/1.png", "dog/2.png"]


def test_a_stray_table_beside_class_folders_is_no_layout(tmp_path):
    folder = tree(tmp_path, "cat/1.png", "dog/2.png", folds="name,fold\n1.png,3")

    assert [row.label for row in read_folder(folder).rows] == ["cat", "dog"]


@pytest.mark.parametrize(
    "data",
    [
        b"\xef\xbb\xbffile,label,split,group,hue\n1.png,cat,val,g1,red\n",
        b"file;label;split;group;hue\n1.png;cat;valid;g1;red\n",
        b"Label\tFILE\thue\tGroup\tSplit\r\ncat\t1.png\tred\tg1\tvalidation\r\n",
        "file,label,split,group,hue\n1.png,cat,validation,g1,red\n".encode("utf-16"),
        b'file,label,split,group,hue\n\n ./1.png , "cat" ,Validation, g1 ,red\n,,,,\n',
    ],
    ids=["byte order mark", "semicolons", "tabs, other order", "utf-16", "spaces and blank lines"],
)
def test_a_table_is_read_as_people_save_it(data, tmp_path):
    folder = tree(tmp_path, "1.png", labels=data)

    assert read_folder(folder).rows == (
        Row("1.png", "cat", "validation", "g1", extra={"hue": "red"}),
    )


@pytest.mark.parametrize(
    ("text", "phrases"),
    [
        ("file,lable\n1.png,cat", ["line 1", "no column label", "'lable'"]),
        ("1.png,cat\n2.png,dog", ["no column file and no column label", "1.png, cat"]),
        ("", ["no column file"]),
        ("file,label\n", ["header but no rows"]),
        (
            "file,label\n1.png,cat\n3.png,cat\n4.png,dog",
            ["2 of 3 files are not there: '3.png', '4"],
        ),
        (
            "file,label\n../1.png,cat\n/etc/passwd,dog\nC:\\x.png,dog",
            ["3 files", "'line 2: ../1.png'"],
        ),
        ("file,label,split\n1.png,cat,trian", ["none of train, validation, test", "line 2: trian"]),
        ("file,label\n1.png,cat,dog", ["line 2", "3 fields under 2 columns"]),
        (b"file,label\n1.png,caf\xe9", ["line 2", "not UTF-8"]),
        ('file,label\n"1.png,cat\n', ["not there"]),
    ],
)
def test_a_table_that_cannot_be_read_is_told_with_its_line(text, phrases, tmp_path):
    folder = tree(tmp_path, "1.png", labels=text)

    with pytest.raises(DataError) as error:
        read_folder(folder)

    for phrase in phrases:
        assert phrase in str(error.value)


def test_everything_wrong_with_a_table_is_told_at_once(tmp_path):
    folder = tree(tmp_path, "1.png", labels="file,label,split\n1.png,a,x\n../2.png,a,\n3.png,b,")

    with pytest.raises(DataError) as error:
        read_folder(folder)

    assert all(phrase in str(error.value) for phrase in ("line 2: x", "../2.png", "'3.png'"))


def test_a_folder_with_no_samples_in_its_folders_is_told(tmp_path):
    (tmp_path / "cat").mkdir()

    with pytest.raises(DataError, match=r"no samples in the folders"):
        read_folder(tmp_path)
