"""What the store promises: equal content kept once, damage noticed, finished work found again."""

import pytest

from stages.artifacts import Ref, canonical, digest_of
from stages.blobs.folder import FolderBlobs
from stages.runtime.errors import ConfigError, Damaged
from stages.store import Store, Work
from tests import makers

WORK = Work("etl", {"seed": 0}, {"data": "r1"}, "code", {"numpy": "2"})


@pytest.fixture
def store(tmp_path) -> Store:
    return Store(FolderBlobs(tmp_path / "store"), tmp_path / "cache")


def test_equal_content_has_one_id(store):
    first = makers.dataset(store)
    again = makers.dataset(store)

    assert first.ref == again.ref
    assert store.load(first.ref) == first
    assert store.refs("dataset") == [first.ref]


def test_a_flipped_byte_in_a_blob_is_noticed(store, tmp_path):
    digest = store.add(b"some bytes")
    path = tmp_path / "store" / "blobs" / digest[:2] / digest
    path.write_bytes(b"some bytez")

    with pytest.raises(Damaged, match="does not have its digest"):
        store.get(digest)


def test_a_flipped_byte_in_a_record_is_noticed(store, tmp_path):
    ref = makers.dataset(store).ref
    path = tmp_path / "store" / "records" / "dataset" / ref.id
    path.write_bytes(path.read_bytes().replace(b"circle", b"cercle"))

    with pytest.raises(Damaged, match="was changed"):
        store.load(ref)


def test_a_record_of_another_version_is_no_finished_work(store):
    record = makers.dataset(store).model_dump(mode="json") | {"field_of_old": 1}
    old = Ref("dataset", digest_of(canonical(record)))
    store.blobs.put(f"records/dataset/{old.id}", canonical(record))
    store.record(WORK, old)

    assert store.finished(WORK) is None
    with pytest.raises(ConfigError, match="made by another version"):
        store.load(old)


def test_a_changed_local_copy_is_made_again(store):
    digest = store.add(b"model")
    path = store.path(digest, ".onnx")
    path.write_bytes(b"other")

    assert store.path(digest, ".onnx").read_bytes() == b"model"


def test_finished_work_is_found_and_other_work_is_not(store):
    dataset = makers.dataset(store).ref
    store.record(WORK, dataset)

    assert store.finished(WORK) == dataset
    assert store.finished(Work("etl", {"seed": 1}, {"data": "r1"}, "code", {"numpy": "2"})) is None
    assert store.finished(Work("etl", {"seed": 0}, {"data": "r1"}, "code", {"numpy": "3"})) is None


def test_work_whose_result_lost_a_blob_is_not_finished(store, tmp_path):
    dataset = makers.dataset(store)
    store.record(WORK, dataset.ref)
    digest = dataset.files["manifest.csv"]
    (tmp_path / "store" / "blobs" / digest[:2] / digest).unlink()

    assert store.finished(WORK) is None


def test_work_whose_result_was_changed_is_done_again(store, tmp_path):
    dataset = makers.dataset(store).ref
    store.record(WORK, dataset)
    (tmp_path / "store" / "records" / "dataset" / dataset.id).write_bytes(b"rubbish")

    assert store.finished(WORK) is None
    assert store.load(makers.dataset(store).ref)


def test_an_artifact_is_found_by_the_beginning_of_its_id(store):
    ref = makers.dataset(store).ref

    assert store.find(f"dataset@{ref.id[:6]}") == ref
    with pytest.raises(ConfigError, match="names no artifact"):
        store.find("dataset@ffffff0")
    with pytest.raises(ConfigError, match="There is no"):
        store.load(Ref("dataset", "0" * 64))


def test_notes_change_and_are_none_before(store):
    assert store.noted("latest/x") is None

    store.note("latest/x", {"key": "ü"})

    assert store.noted("latest/x") == {"key": "ü"}
