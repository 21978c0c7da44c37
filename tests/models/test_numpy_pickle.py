"""The reader of pickled arrays knows arrays and nothing else."""

import os
import pickle
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest

from stages.models.numpy_pickle import read_pickle
from stages.models.paddle_params import read_params
from stages.runtime.errors import Damaged

ARRAYS = {
    "plain": np.arange(6, dtype=np.float32).reshape(2, 3),
    "turned": np.asfortranarray(np.arange(6, dtype=np.float64).reshape(2, 3)),
    "whole": np.array([3, 4], np.int64),
    "half": np.array(1.5, np.float16),
}


class Call:
    """Is pickled as a call of `function`."""

    def __init__(self, function, *arguments) -> None:
        self.called = (function, arguments)

    def __reduce__(self) -> tuple:
        return self.called


@pytest.mark.parametrize("protocol", range(2, 5))
def test_arrays_are_read_as_they_were(protocol: int):
    found = read_params(pickle.dumps(OrderedDict(ARRAYS), protocol))

    assert found.keys() == ARRAYS.keys()
    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(found[name], array)
        assert found[name].dtype == array.dtype


def test_what_paddle_saves_is_read_as_paddle_reads_it(tmp_path: Path):
    import paddle

    layer = paddle.nn.Sequential(paddle.nn.Conv2D(2, 3, 3), paddle.nn.BatchNorm2D(3))
    paddle.save(layer.state_dict(), str(tmp_path / "a.pdparams"))

    found = read_params((tmp_path / "a.pdparams").read_bytes())

    assert set(found) == set(layer.state_dict())
    assert all(
        (found[name] == parameter.numpy()).all() for name, parameter in layer.state_dict().items()
    )


def test_names_inside_paddle_and_pairs_of_them_are_understood():
    data = {"a": ("linear_0.w_0", np.ones(2)), "StructuredToParameterName@@": {"a": "linear_0.w_0"}}

    assert read_params(pickle.dumps(data))["a"].tolist() == [1, 1]


@pytest.mark.parametrize(
    "call",
    [
        lambda mark: Call(os.mkdir, mark),
        lambda mark: Call(eval, f"__import__('os').mkdir({mark!r})"),
        lambda mark: Call(getattr, "text", "format"),
        lambda mark: Call(np.fromfile, mark),
    ],
)
def test_a_pickle_that_calls_anything_else_is_refused_and_nothing_is_called(call, tmp_path: Path):
    mark = tmp_path / "called"

    with pytest.raises(Damaged, match="which no array needs"):
        read_pickle(pickle.dumps({"trap": call(str(mark))}))

    assert not mark.exists()


@pytest.mark.parametrize(
    "array", [np.array([{}], object), np.array(["text"]), np.zeros(2, "datetime64[s]")]
)
def test_an_array_of_anything_but_numbers_is_refused(array):
    with pytest.raises(Damaged):
        read_params(pickle.dumps({"a": array}))


def test_an_array_that_is_not_as_long_as_it_says_is_refused():
    data = pickle.dumps({"a": np.arange(300, dtype=np.float32)}, 2)
    longer = data.replace(b"M,\x01\x85", b"M-\x01\x85")  # 300, 301
    assert longer != data

    with pytest.raises(Damaged, match="has 1200 bytes"):
        read_params(longer)


@pytest.mark.parametrize("length", [1, 40, -1, -30])
def test_a_file_that_was_cut_is_refused(length: int):
    with pytest.raises(Damaged):
        read_params(pickle.dumps(ARRAYS)[:length])


def test_bytes_that_are_left_over_are_refused():
    with pytest.raises(Damaged, match="left over"):
        read_params(pickle.dumps(ARRAYS) + b"x")


@pytest.mark.parametrize("value", [[1, 2], {"a": "text"}, {"a": {"b": np.ones(2)}}])
def test_what_is_no_table_of_arrays_is_refused(value):
    with pytest.raises(Damaged):
        read_params(pickle.dumps(value))
