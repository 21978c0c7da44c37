"""Walking through a folder: what is not entered or opened, and that links take linear time."""

import os

import pytest

from stages.etl.readers import read_folder
from stages.etl.readers.walking import CIRCLE, NO_FILE, OF_SYSTEM, walk
from tests import layouts


@pytest.fixture
def animals(tmp_path):
    for name in ("cat/1.png", "dog/2.png"):
        layouts.put(tmp_path / name, b"x")
    return tmp_path


@pytest.mark.parametrize("count", [6, 12])
def test_folders_linked_to_each_other_are_entered_twice_at_most(count, tmp_path):
    for number in range(count):
        layouts.put(tmp_path / f"f{number:02}" / "a.png", b"x")
        for other in range(count):
            if other != number:
                (tmp_path / f"f{number:02}" / f"to{other:02}").symlink_to(tmp_path / f"f{other:02}")

    found = walk(tmp_path)

    assert count <= len(found.files) <= 2 * count
    assert len(found.excluded[CIRCLE]) <= 2 * count * count


def test_a_pipe_and_a_device_are_not_opened_and_said(animals):
    os.mkfifo(animals / "cat" / "pipe.png")
    os.mkfifo(animals / "labels.csv")
    (animals / "dog" / "zero.png").symlink_to("/dev/zero")

    reading = read_folder(animals)

    assert [row.file for row in reading.rows] == ["cat/1.png", "dog/2.png"]
    assert reading.excluded[NO_FILE] == ("cat/pipe.png", "dog/zero.png", "labels.csv")


def test_a_table_that_names_a_pipe_says_that_it_is_not_there(animals):
    os.mkfifo(animals / "pipe.png")
    (animals / "labels.csv").write_text("file,label\npipe.png,cat\n")

    with pytest.raises(ValueError, match=r"1 of 1 files are not there: 'pipe.png'"):
        read_folder(animals)


def test_what_systems_leave_is_no_sample_and_said(animals):
    names = (".DS_Store", "@eaDir/cat/1.png", "Icon\r", "Thumbs.db", "__MACOSX/cat/._1.png")
    for name in (*names, "cat/desktop.ini", "cat/@eaDir/1.png"):
        layouts.put(animals / name, b"x")

    reading = read_folder(animals)

    assert [row.label for row in reading.rows] == ["cat", "dog"]
    assert {name.partition("/")[0] for name in reading.excluded[OF_SYSTEM]} == {
        *(name.partition("/")[0] for name in names),
        "cat",
    }
