"""Arrays in one file: equal arrays are equal bytes, and a file holds numbers only."""

import io

import numpy as np
import pytest

from stages.models.arrays import pack_arrays, unpack_arrays
from stages.runtime.errors import Damaged

A = np.arange(6, dtype=np.float32).reshape(2, 3)
B = np.array(["x", "yz"], np.str_)


def test_arrays_come_back():
    found = unpack_arrays(pack_arrays({"a": A, "b": B}))

    np.testing.assert_array_equal(found["a"], A)
    assert found["b"].tolist() == ["x", "yz"]


def test_bytes_depend_on_nothing_but_the_arrays():
    turned = np.asfortranarray(A)

    assert pack_arrays({"a": A, "b": B}) == pack_arrays({"b": B, "a": turned})


def test_a_pickle_inside_is_refused():
    out = io.BytesIO()
    np.savez(out, a=np.array([{"an": "object"}], dtype=object))

    with pytest.raises(Damaged, match="pickle"):
        unpack_arrays(out.getvalue())


@pytest.mark.parametrize("data", [b"", b"PK", pack_arrays({"a": A})[:100]])
def test_what_is_no_file_of_arrays_is_refused(data: bytes):
    with pytest.raises(Damaged):
        unpack_arrays(data)
