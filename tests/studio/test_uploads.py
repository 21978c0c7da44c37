"""An upload goes on where it stopped, has the bytes that were sent, and stays in its folder."""

import os

import pytest

from stages.runtime.errors import ConfigError, DataError, InfrastructureError
from stages.studio import uploads
from stages.studio.rendering import NotFound
from stages.studio.uploads import OffsetMismatch, UploadFile


def test_chunks_in_order_make_the_file(settings):
    upload = uploads.create([UploadFile("a/b.png", 6)], settings)

    assert uploads.append(upload, 0, 0, b"abc") == 3
    with pytest.raises(ConfigError, match="1 of 1 files are not complete"):
        uploads.check_complete(upload)
    assert uploads.append(upload, 0, 3, b"def") == 6

    uploads.check_complete(uploads.find(upload.id, settings))
    assert upload.path(0).read_bytes() == b"abcdef"


@pytest.mark.parametrize("offset", [0, 2, 4])
def test_a_chunk_that_came_twice_or_too_early_is_not_written(settings, offset):
    upload = uploads.create([UploadFile("b.png", 6)], settings)
    uploads.append(upload, 0, 0, b"abc")

    with pytest.raises(OffsetMismatch) as mismatch:
        uploads.append(upload, 0, offset, b"xy")

    assert mismatch.value.received == 3
    assert upload.path(0).read_bytes() == b"abc"


def test_a_file_gets_no_longer_than_it_was_announced(settings):
    upload = uploads.create([UploadFile("b.png", 4)], settings)

    with pytest.raises(DataError, match="longer than the 4 bytes"):
        uploads.append(upload, 0, 0, b"abcde")

    assert upload.received(0) == 0


@pytest.mark.parametrize(
    "name",
    ["../x", "/etc/x", "a/../x", "a//x", "", ".", "a\\x", "C:x", "a\nb", "x" * 256, "\ud800"],
)
def test_a_name_that_leads_elsewhere_is_refused(settings, name):
    with pytest.raises(DataError):
        uploads.create([UploadFile("fine.png", 1), UploadFile(name, 1)], settings)

    assert uploads.unfinished(settings) == []


@pytest.mark.parametrize("names", [["a", "a"], ["a", "a/b"], ["x.zip", "y.png"], []])
def test_a_list_that_cannot_be_is_refused(settings, names):
    with pytest.raises(DataError):
        uploads.create([UploadFile(name, 1) for name in names], settings)


def test_more_than_the_disk_has_free_is_refused_before_it_is_sent(settings):
    with pytest.raises(InfrastructureError, match="MB have to be free"):
        uploads.create([UploadFile("a.zip", 10**15)], settings)


def test_what_nobody_finished_is_removed_after_days(settings):
    upload = uploads.create([UploadFile("a.png", 1), UploadFile("empty.txt", 0)], settings)
    now = os.stat(upload.folder).st_mtime

    uploads.sweep(settings, now + 6 * 86400)
    assert [found.id for found in uploads.unfinished(settings)] == [upload.id]
    uploads.sweep(settings, now + 8 * 86400)

    assert uploads.unfinished(settings) == []


@pytest.mark.parametrize("id", ["..", "0" * 16, "x", "0" * 15 + "/"])
def test_an_upload_that_there_is_not_is_told(settings, id):
    with pytest.raises(NotFound):
        uploads.find(id, settings)
