"""What is kept of a loop: a checkpoint is whole or the one before."""

from dataclasses import replace

import pytest

from stages.blobs.memory import MemoryBlobs
from stages.runtime.errors import Damaged
from stages.train.distributed.checkpoints import Kept


@pytest.fixture
def kept(tmp_path):
    one = Kept(MemoryBlobs(), "team")
    one.report({"epoch": 1}, tmp_path / "saved", writes("a", b"first"))
    return one


def writes(name, data):
    return lambda folder: (folder / name).write_bytes(data) and None


def anew(kept):
    """As another process finds it."""
    return Kept(kept.blobs, "team")


def content(kept, folder):
    return {path.name: path.read_bytes() for path in kept.fetch(folder).iterdir()}


def test_gives_back_the_last_checkpoint(kept, tmp_path):
    kept.report({"epoch": 2}, tmp_path / "saved", writes("b", b"second"))

    assert content(anew(kept), tmp_path / "out") == {"b": b"second"}


def test_a_checkpoint_that_a_newer_one_replaced_is_gone(kept, tmp_path):
    kept.report({"epoch": 2}, tmp_path / "saved", writes("b", b"second"))

    assert not [key for key in kept.blobs.keys("teams/") if key.endswith(".a")]


def test_a_file_that_did_not_change_is_not_written_again(kept, tmp_path):
    written: list[str] = []

    class Counting(MemoryBlobs):
        def put_file(self, key, path):
            written.append(path.name)
            super().put_file(key, path)

    def saves(folder):
        (folder / "a").write_bytes(b"first")
        (folder / "b").write_bytes(b"second")

    counting = Counting()
    counting._blobs = kept.blobs._blobs
    kept.blobs = counting
    kept.report({"epoch": 2}, tmp_path / "saved", saves)

    assert written == ["b"]
    assert content(anew(kept), tmp_path / "out") == {"a": b"first", "b": b"second"}


def test_a_file_that_others_removed_is_written_again(kept, tmp_path):
    (key,) = [one for one in kept.blobs.keys("teams/") if one.endswith(".a")]
    kept.blobs.remove(key)
    with pytest.raises(Damaged, match="is gone"):
        anew(kept).fetch(tmp_path / "out")

    kept.report({"epoch": 2}, tmp_path / "saved", writes("a", b"first"))

    assert content(anew(kept), tmp_path / "out") == {"a": b"first"}


def test_dying_while_saving_leaves_the_checkpoint_before(kept, tmp_path):
    def dies(folder):
        (folder / "a").write_bytes(b"half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        kept.report({"epoch": 2}, tmp_path / "saved", dies)

    assert content(anew(kept), tmp_path / "out") == {"a": b"first"}
    assert anew(kept).state.reports == [{"epoch": 1}]


def test_dying_before_the_state_is_written_leaves_the_checkpoint_before(kept, tmp_path):
    class Full(MemoryBlobs):
        def put(self, key, data):
            raise OSError("no space left")

    full = Full()
    full._blobs = kept.blobs._blobs
    kept.blobs = full

    with pytest.raises(OSError, match="no space"):
        kept.report({"epoch": 2}, tmp_path / "saved", writes("a", b"second"))

    assert content(anew(kept), tmp_path / "out") == {"a": b"first"}


def test_what_was_reported_after_the_checkpoint_is_reported_anew(kept, tmp_path):
    kept.report({"epoch": 2}, tmp_path / "saved", None)
    assert anew(kept).state.reports == [{"epoch": 1}, {"epoch": 2}]

    again = anew(kept)
    again.again()
    again.report({"epoch": 2, "anew": True}, tmp_path / "saved", None)

    assert anew(kept).state.reports == [{"epoch": 1}, {"epoch": 2, "anew": True}]


def test_a_checkpoint_that_was_changed_is_not_given(kept, tmp_path):
    key = next(key for key in kept.blobs.keys("teams/") if key.endswith(".a"))
    kept.blobs.put(key, b"other")

    with pytest.raises(Damaged, match=key):
        anew(kept).fetch(tmp_path / "out")


def test_numbers_of_numpy_are_numbers(kept, tmp_path):
    import numpy as np

    kept.report({"loss": np.float32(0.5), "epoch": np.int64(2)}, tmp_path / "saved", None)

    assert anew(kept).state.reports[-1] == {"loss": 0.5, "epoch": 2}


def test_nothing_is_left_of_what_is_forgotten(kept):
    kept.forget()

    assert list(kept.blobs.keys("teams/")) == []
    assert anew(kept).state == replace(anew(kept).state, reports=[], files={}, finished=False)
