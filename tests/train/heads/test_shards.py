"""Kept rows: whole or not there."""

import numpy as np
import pytest

from stages.train.heads.shards import Shards

ROWS = {"a/0": np.array([1.5, 2.5], np.float32), "b/1": np.array([3.5, 4.5], np.float32)}


@pytest.fixture
def shards(tmp_path):
    made = Shards(tmp_path / "features")
    made.append(ROWS)
    return made


def test_rows_come_back_by_name(shards):
    shards.append({"c/0": np.zeros(2, np.float32)})

    found = Shards(shards.folder).read()

    assert set(found) == {"a/0", "b/1", "c/0"}
    np.testing.assert_array_equal(found["b/1"], [3.5, 4.5])


def test_an_empty_place_has_no_rows(tmp_path):
    assert Shards(tmp_path / "nothing").read() == {}


@pytest.mark.parametrize(
    "harm", [lambda data: data[:-40], lambda data: data[:200] + b"x" + data[201:]]
)
def test_a_shard_that_was_harmed_is_dropped_and_others_stay(shards, harm):
    (path,) = shards.folder.iterdir()
    shards.append({"c/0": np.zeros(2, np.float32)})
    path.write_bytes(harm(path.read_bytes()))

    assert set(shards.read()) == {"c/0"}
    assert not path.exists()


def test_a_half_written_shard_is_never_read(shards):
    (path,) = shards.folder.iterdir()
    (shards.folder / f".{path.name}.0123.part").write_bytes(path.read_bytes()[:100])

    assert set(shards.read()) == {"a/0", "b/1"}
