"""Packages on a person's disk."""

import shutil
import zipfile

import pytest

from stages.deploy.pack import unpack, zipped
from stages.evaluate.packaged import opened_package
from stages.opening import open_store
from stages.runtime.errors import ConfigError, Damaged, DataError, InfrastructureError
from stages.runtime.predictor import Predictor
from stages.runtime.sealed import check
from stages.settings import Settings
from tests import makers


def test_a_package_is_unpacked_whole(deployable, package, tmp_path):
    folder = unpack(package, deployable.store, tmp_path / "a b" / "pöckage")

    assert sorted(check(folder)) == sorted(set(package.files) - {"SHA256SUMS"})
    assert [path.name for path in (tmp_path / "a b").iterdir()] == ["pöckage"]


def test_unpacking_again_leaves_it_alone(deployable, package, tmp_path):
    folder = unpack(package, deployable.store, tmp_path / "package")
    (folder / "mine.txt").write_text("a person's own")

    assert unpack(package, deployable.store, folder) == folder
    assert (folder / "mine.txt").exists()


def test_what_a_person_has_there_is_not_overwritten(deployable, package, tmp_path):
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.txt").write_text("precious")

    with pytest.raises(Damaged, match="is not this package"):
        unpack(package, deployable.store, tmp_path / "thesis")

    assert (tmp_path / "thesis" / "chapter.txt").read_text() == "precious"


def test_a_place_that_cannot_be_written_is_told_and_left_clean(deployable, package, tmp_path):
    (tmp_path / "file").write_text("not a folder")

    with pytest.raises(InfrastructureError, match="Cannot write"):
        unpack(package, deployable.store, tmp_path / "file" / "package")


def test_a_zip_is_the_same_each_time_and_can_be_opened(deployable, package, tmp_path):
    first = zipped(package, deployable.store, tmp_path / "first.zip")
    again = zipped(package, deployable.store, tmp_path / "again.zip")

    assert first.read_bytes() == again.read_bytes()
    with (
        opened_package(str(first), open_store(makers.settings(tmp_path))) as folder,
        Predictor.open(folder) as found,
    ):
        assert tuple(found.labels) == deployable.dataset.labels


def test_a_zip_of_the_folder_itself_can_be_opened(deployable, package, tmp_path):
    unpack(package, deployable.store, tmp_path / "packages" / "mine")
    archive = shutil.make_archive(str(tmp_path / "mine"), "zip", tmp_path / "packages")

    with opened_package(archive, open_store(makers.settings(tmp_path))) as folder:
        assert check(folder)


def test_a_zip_that_reaches_outside_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "evil.zip", "w") as archive:
        archive.writestr("../evil.py", "print()")

    with (
        pytest.raises(DataError, match="evil"),
        opened_package(str(tmp_path / "evil.zip"), open_store(makers.settings(tmp_path))),
    ):
        pass

    assert not (tmp_path / "evil.py").exists()


def test_a_package_is_found_in_the_store_by_its_id(deployable, package, tmp_path):
    settings = Settings(workspace=tmp_path / "workspace")
    store = open_store(settings)
    for digest in package.files.values():
        store.add(deployable.store.get(digest))
    store.save(package)

    with opened_package(str(package.ref), open_store(settings)) as folder:
        assert check(folder)


@pytest.mark.parametrize("name", ["nothing here", ".", "package@0123"])
def test_what_is_no_package_is_told(tmp_path, name, monkeypatch):
    monkeypatch.chdir(tmp_path)

    with (
        pytest.raises(ConfigError) as caught,
        opened_package(name, open_store(makers.settings(tmp_path))),
    ):
        pass

    assert "aiwf list" in caught.value.remedy
