"""What is kept of a loop: a checkpoint is whole or the one before."""

import pytest

from stages.blobs.memory import MemoryBlobs
from stages.memo.expiry import sweep
from stages.runtime.errors import Damaged
from stages.train.distributed.checkpoints import CheckpointStore, LoopState

NAME = "team"


@pytest.fixture
def kept(tmp_path):
    one = CheckpointStore(MemoryBlobs(), NAME)
    one.report({"epoch": 1}, tmp_path / "saved", writes("a", b"first"))
    return one


def writes(name, data):
    return lambda folder: (folder / name).write_bytes(data) and None


def anew(kept):
    """As another process finds it."""
    return CheckpointStore(kept.scope.blobs, NAME)


def files(kept):
    """The keys of the files of all checkpoints."""
    keys = kept.scope.blobs.keys(f"{kept.scope.prefix}entry-")
    return [key for key in keys if not key.endswith(".json")]


def content(kept, folder):
    return {path.name: path.read_bytes() for path in kept.fetch(folder).iterdir()}


def test_gives_back_the_last_checkpoint(kept, tmp_path):
    kept.report({"epoch": 2}, tmp_path / "saved", writes("b", b"second"))

    assert content(anew(kept), tmp_path / "out") == {"b": b"second"}


def test_a_checkpoint_that_a_newer_one_replaced_is_gone(kept, tmp_path):
    kept.report({"epoch": 2}, tmp_path / "saved", writes("b", b"second"))

    assert len(files(kept)) == 1


def test_a_file_that_did_not_change_is_not_written_again(kept, tmp_path, monkeypatch):
    written: list[str] = []
    put_file = MemoryBlobs.put_file
    monkeypatch.setattr(
        MemoryBlobs,
        "put_file",
        lambda blobs, key, path: written.append(path.name) or put_file(blobs, key, path),
    )

    def saves(folder):
        (folder / "a").write_bytes(b"first")
        (folder / "b").write_bytes(b"second")

    kept.report({"epoch": 2}, tmp_path / "saved", saves)

    assert written == ["b"]
    assert content(anew(kept), tmp_path / "out") == {"a": b"first", "b": b"second"}


def test_a_file_that_others_removed_is_written_again(kept, tmp_path):
    (key,) = files(kept)
    kept.scope.blobs.remove(key)

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


def test_dying_before_the_state_is_written_leaves_the_checkpoint_before(
    kept, tmp_path, monkeypatch
):
    def put(blobs, key, data):
        if key.endswith(".json"):
            raise OSError("no space left")
        blobs._blobs[key] = data

    with monkeypatch.context() as patch:
        patch.setattr(MemoryBlobs, "put", put)
        with pytest.raises(OSError, match="no space"):
            kept.report({"epoch": 2}, tmp_path / "saved", writes("a", b"second"))

    assert content(anew(kept), tmp_path / "out") == {"a": b"first"}
    assert anew(kept).state.reports == [{"epoch": 1}]


def test_what_was_reported_after_the_checkpoint_is_reported_anew(kept, tmp_path):
    kept.report({"epoch": 2}, tmp_path / "saved", None)
    assert anew(kept).state.reports == [{"epoch": 1}, {"epoch": 2}]

    again = anew(kept)
    again.rewind()
    again.report({"epoch": 2, "anew": True}, tmp_path / "saved", None)

    assert anew(kept).state.reports == [{"epoch": 1}, {"epoch": 2, "anew": True}]


@pytest.mark.parametrize("harm", [lambda blobs, key: blobs.put(key, b"other"), MemoryBlobs.remove])
def test_a_checkpoint_that_was_changed_or_lost_is_not_given_and_the_loop_begins_anew(
    kept, tmp_path, harm
):
    (key,) = files(kept)
    harm(kept.scope.blobs, key)

    with pytest.raises(Damaged, match=NAME):
        anew(kept).fetch(tmp_path / "out")

    assert anew(kept).state == LoopState()


def test_numbers_of_numpy_are_numbers(kept, tmp_path):
    import numpy as np

    kept.report({"loss": np.float32(0.5), "epoch": np.int64(2)}, tmp_path / "saved", None)

    assert anew(kept).state.reports[-1] == {"loss": 0.5, "epoch": 2}


def test_what_is_done_stays_for_an_hour_and_goes_then(kept, monkeypatch):
    blobs = kept.scope.blobs
    kept.done()

    sweep(blobs)  # the stage may be killed before its work is recorded
    assert files(kept)
    monkeypatch.setattr(blobs, "_times", {key: at - 4000 for key, at in blobs._times.items()})
    sweep(blobs)

    assert list(blobs.keys("memo/")) == []
    assert anew(kept).state == LoopState()


def test_one_that_is_gone_on_with_at_last_is_kept(kept, monkeypatch):
    blobs = kept.scope.blobs
    kept.done()
    monkeypatch.setattr(blobs, "_times", {key: at - 4000 for key, at in blobs._times.items()})

    again = anew(kept)
    sweep(blobs)

    assert again.read() == kept.state
