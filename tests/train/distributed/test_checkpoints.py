"""The checkpoints of a loop: the last one is complete, or it is the one before."""

import pytest

from stages.blobs.memory import MemoryBlobs
from stages.memo.expiry import sweep
from stages.runtime.errors import Damaged
from stages.train.distributed.checkpoints import CheckpointStore, LoopState

NAME = "tiny"


@pytest.fixture
def checkpoints(tmp_path):
    checkpoints = CheckpointStore(MemoryBlobs(), NAME)
    checkpoints.report({"epoch": 1}, tmp_path / "saved", writes("a", b"first"))
    return checkpoints


def writes(name, data):
    return lambda folder: (folder / name).write_bytes(data) and None


def anew(checkpoints):
    """As another process finds it."""
    return CheckpointStore(checkpoints.scope.blobs, NAME)


def files(checkpoints):
    """The keys of the files of all checkpoints."""
    keys = checkpoints.scope.blobs.keys(f"{checkpoints.scope.prefix}entry-")
    return [key for key in keys if not key.endswith(".json")]


def content(checkpoints, folder):
    return {path.name: path.read_bytes() for path in checkpoints.fetch(folder).iterdir()}


def test_gives_back_the_last_checkpoint(checkpoints, tmp_path):
    checkpoints.report({"epoch": 2}, tmp_path / "saved", writes("b", b"second"))

    assert content(anew(checkpoints), tmp_path / "out") == {"b": b"second"}


def test_a_checkpoint_that_a_newer_one_replaced_is_gone(checkpoints, tmp_path):
    checkpoints.report({"epoch": 2}, tmp_path / "saved", writes("b", b"second"))

    assert len(files(checkpoints)) == 1


def test_a_file_that_did_not_change_is_not_written_again(checkpoints, tmp_path, monkeypatch):
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

    checkpoints.report({"epoch": 2}, tmp_path / "saved", saves)

    assert written == ["b"]
    assert content(anew(checkpoints), tmp_path / "out") == {"a": b"first", "b": b"second"}


def test_a_file_that_others_removed_is_written_again(checkpoints, tmp_path):
    (key,) = files(checkpoints)
    checkpoints.scope.blobs.remove(key)

    checkpoints.report({"epoch": 2}, tmp_path / "saved", writes("a", b"first"))

    assert content(anew(checkpoints), tmp_path / "out") == {"a": b"first"}


def test_dying_while_saving_leaves_the_checkpoint_before(checkpoints, tmp_path):
    def dies(folder):
        (folder / "a").write_bytes(b"half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        checkpoints.report({"epoch": 2}, tmp_path / "saved", dies)

    assert content(anew(checkpoints), tmp_path / "out") == {"a": b"first"}
    assert anew(checkpoints).state.reports == [{"epoch": 1}]


def test_dying_before_the_state_is_written_leaves_the_checkpoint_before(
    checkpoints, tmp_path, monkeypatch
):
    def put(blobs, key, data):
        if key.endswith(".json"):
            raise OSError("no space left")
        blobs._blobs[key] = data

    with monkeypatch.context() as patch:
        patch.setattr(MemoryBlobs, "put", put)
        with pytest.raises(OSError, match="no space"):
            checkpoints.report({"epoch": 2}, tmp_path / "saved", writes("a", b"second"))

    assert content(anew(checkpoints), tmp_path / "out") == {"a": b"first"}
    assert anew(checkpoints).state.reports == [{"epoch": 1}]


def test_what_was_reported_after_the_checkpoint_is_reported_anew(checkpoints, tmp_path):
    checkpoints.report({"epoch": 2}, tmp_path / "saved", None)
    assert anew(checkpoints).state.reports == [{"epoch": 1}, {"epoch": 2}]

    again = anew(checkpoints)
    again.rewind()
    again.report({"epoch": 2, "anew": True}, tmp_path / "saved", None)

    assert anew(checkpoints).state.reports == [{"epoch": 1}, {"epoch": 2, "anew": True}]


@pytest.mark.parametrize("harm", [lambda blobs, key: blobs.put(key, b"other"), MemoryBlobs.remove])
def test_a_checkpoint_that_was_changed_or_lost_is_not_given_and_the_loop_begins_anew(
    checkpoints, tmp_path, harm
):
    (key,) = files(checkpoints)
    harm(checkpoints.scope.blobs, key)

    with pytest.raises(Damaged, match=NAME):
        anew(checkpoints).fetch(tmp_path / "out")

    assert anew(checkpoints).state == LoopState()


def test_numbers_of_numpy_are_numbers(checkpoints, tmp_path):
    import numpy as np

    checkpoints.report({"loss": np.float32(0.5), "epoch": np.int64(2)}, tmp_path / "saved", None)

    assert anew(checkpoints).state.reports[-1] == {"loss": 0.5, "epoch": 2}


def test_what_is_done_stays_for_an_hour_and_goes_then(checkpoints, monkeypatch):
    blobs = checkpoints.scope.blobs
    checkpoints.done()

    sweep(blobs)  # the stage may be killed before its work is recorded
    assert files(checkpoints)
    monkeypatch.setattr(blobs, "_times", {key: at - 4000 for key, at in blobs._times.items()})
    sweep(blobs)

    assert list(blobs.keys("memo/")) == []
    assert anew(checkpoints).state == LoopState()


def test_one_that_is_gone_on_with_at_last_is_kept(checkpoints, monkeypatch):
    blobs = checkpoints.scope.blobs
    checkpoints.done()
    monkeypatch.setattr(blobs, "_times", {key: at - 4000 for key, at in blobs._times.items()})

    again = anew(checkpoints)
    sweep(blobs)

    assert again.read() == checkpoints.state
