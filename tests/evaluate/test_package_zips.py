"""A zip that is said to hold a package may be of anybody: it is opened, or plainly refused."""

import io
import warnings
import zipfile

import pytest

from stages.deploy.packed import write_folder
from stages.evaluate.packaged import opened_package
from stages.opening import open_store
from stages.runtime.errors import WorkflowError
from stages.runtime.predictor import Predictor
from stages.runtime.sealed import MOST_FILES, SEAL, seal
from tests import makers
from tests.runtime.conftest import *  # noqa: F403 - the small packages
from tests.runtime.painting import plain, saved

METHODS = {"stored": 0, "deflated": 8, "bzip2": 12, "lzma": 14}


def zipped(files, method=zipfile.ZIP_DEFLATED):
    out = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(out, "w", method) as archive:
        warnings.simplefilter("ignore")  # a name that stands twice
        for name, data in files:
            archive.writestr(name, data)
    return out.getvalue()


def entry(name, mode=0o100644, flags=0):
    found = zipfile.ZipInfo(name)
    found.external_attr = mode << 16
    found.flag_bits = flags
    return found


def opened(tmp_path, data):
    path = tmp_path / "package.zip"
    path.write_bytes(data)
    with (
        opened_package(str(path), open_store(makers.settings(tmp_path))) as folder,
        Predictor.open(folder) as predictor,
    ):
        return predictor.predict(saved(plain((0, 0, 255))))["labels"][0]["label"]


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
@pytest.mark.parametrize("below", ["", "mine/"])
def test_a_whole_package_is_opened(sealed_files, tmp_path, method, below):
    files = [(f"{below}{name}", data) for name, data in sealed_files.items()]

    assert opened(tmp_path, zipped(files, method)) == "blue"


@pytest.mark.parametrize(
    ("added", "message"),
    [
        (("../evil.txt", b""), "leads out"),
        (("/etc/evil.txt", b""), "leads out"),
        (("a/../../evil.txt", b""), "leads out"),
        (("..\\evil.txt", b""), "leads out"),
        ((entry("link", 0o120777), b"/etc/passwd"), "is a link"),
        (("labels.txt", b"other"), "twice"),
        (("labels.txt/inside", b""), "labels.txt"),
        (("a" * 300, b""), "255"),
        (("/".join(["a"] * 1500), b""), "2000"),
        (("numpy.py", b""), "code that does not belong"),
        (("bomb", b"\0" * 300_000_000), "would unpack to"),
    ],
    ids=range(11),
)
def test_what_does_not_belong_into_a_package_is_named(sealed_files, tmp_path, added, message):
    data = zipped([*sealed_files.items(), added])

    with pytest.raises(WorkflowError, match=message) as caught:
        opened(tmp_path, data)

    assert caught.value.remedy


def test_more_files_than_a_package_has_are_not_unpacked(tmp_path):
    data = zipped([(f"{number}", b"") for number in range(MOST_FILES + 1)])

    with pytest.raises(WorkflowError, match=f"{MOST_FILES + 1} files"):
        opened(tmp_path, data)


def test_one_with_a_password_is_told(sealed_files, tmp_path):
    data = bytearray(zipped(sealed_files.items()))
    for start, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(start) + place] |= 1

    with pytest.raises(WorkflowError, match="password"):
        opened(tmp_path, bytes(data))


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
def test_a_zip_that_was_cut_off_or_damaged_is_told(sealed_files, tmp_path, method):
    whole = zipped(sealed_files.items(), method)
    length = len(whole)

    for data in (
        b"",
        b"PK",
        whole[: length // 2],
        whole[:-1],
        whole[length // 3 :],
        whole[:200] + bytes(400) + whole[600:],
        whole.replace(b"PK\x03\x04", b"PK\x03\x05", 1),
        b"not a zip at all" * 100,
    ):
        with pytest.raises(WorkflowError) as caught:
            opened(tmp_path, data)
        assert caught.value.remedy


@pytest.mark.parametrize("method", [1, 6, 9, 97, 99])
def test_a_compression_that_python_cannot_read_is_told(sealed_files, tmp_path, method):
    data = bytearray(zipped(sealed_files.items()))
    for start, place in ((b"PK\x03\x04", 8), (b"PK\x01\x02", 10)):
        data[data.index(start) + place] = method

    with pytest.raises(WorkflowError):
        opened(tmp_path, bytes(data))


def test_two_packages_in_one_zip_are_none(sealed_files, tmp_path):
    both = [(f"{folder}/{name}", data) for folder in "ab" for name, data in sealed_files.items()]

    with pytest.raises(WorkflowError, match="no package"):
        opened(tmp_path, zipped(both))


def test_a_link_in_a_folder_of_a_package_is_not_followed(sealed_files, tmp_path):
    write_folder(tmp_path / "package", sealed_files)
    (tmp_path / "package" / "labels.txt").unlink()
    (tmp_path / "package" / "labels.txt").symlink_to("/etc/hostname")

    with (
        pytest.raises(WorkflowError, match=r"labels\.txt"),
        opened_package(str(tmp_path / "package"), open_store(makers.settings(tmp_path))) as folder,
    ):
        Predictor.open(folder)


def test_the_seal_of_an_empty_package_is_no_package(tmp_path):
    with pytest.raises(WorkflowError, match=r"package\.json"):
        opened(tmp_path, zipped([(SEAL, seal({}))]))
