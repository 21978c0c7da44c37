"""A package is what was packed, to the last byte, or it is refused by name."""

import pytest

from stages.runtime.errors import Damaged
from stages.runtime.predictor import Predictor
from stages.runtime.sealed import SEAL, check, seal


def test_a_whole_package_is_accepted(package, sealed_files):
    assert sorted(check(package)) == sorted(set(sealed_files) - {SEAL})


def test_a_flipped_byte_in_any_file_is_found_and_named(package, sealed_files):
    for name, data in sealed_files.items():
        if not data:
            continue
        for place in {0, len(data) // 2, len(data) - 1}:
            flipped = bytearray(data)
            flipped[place] ^= 0x20
            (package / name).write_bytes(bytes(flipped))

            with pytest.raises(Damaged) as caught:
                Predictor.open(package)

            assert name in caught.value.problem
        (package / name).write_bytes(data)


def test_a_missing_file_is_named(package):
    (package / "labels.txt").unlink()

    with pytest.raises(Damaged, match=r"labels\.txt"):
        Predictor.open(package)


def test_a_shortened_seal_is_found(package):
    lines = (package / SEAL).read_text().splitlines(keepends=True)
    (package / SEAL).write_text("".join([*lines[:-2], lines[-1]]))

    with pytest.raises(Damaged, match=SEAL):
        Predictor.open(package)


def test_code_that_was_not_packed_is_refused(package):
    (package / "numpy.py").write_text("print('surprise')")

    with pytest.raises(Damaged, match=r"numpy\.py is code that does not belong"):
        Predictor.open(package)


def test_a_persons_own_photo_in_the_folder_is_no_harm(package):
    (package / "photo.jpg").write_bytes(b"anything")

    assert Predictor.open(package).labels == ["red", "green", "blue"]


@pytest.mark.parametrize("name", ["../outside.txt", "/etc/hostname", "a/../../b", "..\\c"])
def test_a_seal_that_reaches_outside_is_refused(package, name):
    (package / SEAL).write_bytes(seal({name: b""}))

    with pytest.raises(Damaged, match="outside the package"):
        Predictor.open(package)


def test_a_network_that_is_not_sealed_is_refused(package, sealed_files):
    files = {name: data for name, data in sealed_files.items() if name != SEAL}
    files["package.json"] = files["package.json"].replace(b"model.onnx", b"other.onnx")
    (package / "package.json").write_bytes(files["package.json"])
    (package / SEAL).write_bytes(seal(files))

    with pytest.raises(Damaged, match=r"other\.onnx is not sealed"):
        Predictor.open(package)


def test_a_folder_without_a_seal_is_no_package(tmp_path):
    with pytest.raises(Damaged, match="There is no package"):
        Predictor.open(tmp_path)


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00", b"# \n", b"x" * 1000])
def test_rubbish_for_a_seal_is_no_package(package, content):
    (package / SEAL).write_bytes(content)

    with pytest.raises(Damaged, match=SEAL):
        Predictor.open(package)
