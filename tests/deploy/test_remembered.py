"""Costly work is done once, and never lost by two who do it at once."""

import threading

from stages.blobs.folder import FolderBlobs
from stages.deploy.remembered import remembered, remembered_files
from stages.store import Store
from tests import makers


def test_it_is_made_once(tmp_path):
    store, calls = makers.store(tmp_path), []

    for _ in range(3):
        assert remembered(store, {"a": 1}, lambda: calls.append(1) or b"costly") == b"costly"

    assert calls == [1]


def test_another_key_is_other_work(tmp_path):
    store = makers.store(tmp_path)

    assert remembered(store, {"a": 1}, lambda: b"one") == b"one"
    assert remembered(store, {"a": 2}, lambda: b"two") == b"two"


def test_what_was_lost_is_made_again(tmp_path):
    store = Store(FolderBlobs(tmp_path / "store"), tmp_path / "cache")
    remembered(store, {"a": 1}, lambda: b"costly")
    (blob,) = (tmp_path / "store" / "blobs").glob("*/*")
    blob.unlink()

    assert remembered(store, {"a": 1}, lambda: b"costly") == b"costly"
    assert blob.read_bytes() == b"costly"


def test_several_files_are_made_once_and_again_if_one_was_lost(tmp_path):
    store, calls = Store(FolderBlobs(tmp_path / "store"), tmp_path / "cache"), []
    files = {"network.param": b"text", "network.bin": b"weights"}

    def make():
        calls.append(1)
        return files

    for _ in range(2):
        assert remembered_files(store, {"a": 1}, make) == files
    assert len(calls) == 1
    next((tmp_path / "store" / "blobs").glob("*/*")).unlink()

    assert remembered_files(store, {"a": 1}, make) == files
    assert len(calls) == 2


def test_two_at_once_get_the_same(tmp_path):
    store, barrier, found = makers.store(tmp_path), threading.Barrier(2), []

    def work():
        barrier.wait(10)
        return b"costly"

    threads = [
        threading.Thread(target=lambda: found.append(remembered(store, {"a": 1}, work)))
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert found == [b"costly", b"costly"]
