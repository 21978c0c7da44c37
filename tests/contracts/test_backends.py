"""What every backend promises. A new one is tested here the day it is registered."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from onnx import TensorProto, helper

from stages.models.export import child_environment
from stages.runtime.backends import BACKENDS
from stages.runtime.backends.sums import Sums
from stages.runtime.errors import InfrastructureError
from stages.runtime.processor import INSTRUCTION_SETS

NAMES = list(BACKENDS)
RELU_IN_PADDLE = """
import sys, paddle
layer = paddle.nn.ReLU()
spec = [paddle.static.InputSpec([None, 2], "float32", "x")]
paddle.jit.save(layer, sys.argv[1], input_spec=spec)
"""
FILES = {"onnx": "relu.onnx", "paddle_inference": "relu.json"}


@pytest.fixture(scope="module")
def networks(tmp_path_factory):
    """A folder with max(x, 0) in every format."""
    folder = tmp_path_factory.mktemp("relu")
    sides = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", 2]) for name in ("x", "y")
    ]
    graph = helper.make_graph(
        [helper.make_node("Relu", ["x"], ["y"])], "relu", sides[:1], sides[1:]
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    (folder / "relu.onnx").write_bytes(model.SerializeToString())
    command = [sys.executable, "-c", RELU_IN_PADDLE, str(folder / "relu")]
    subprocess.run(command, check=True, env=child_environment(), capture_output=True)
    return folder


@pytest.fixture(params=NAMES)
def backend(request, networks):
    part = BACKENDS[request.param]
    return part(networks / FILES[part.format], threads=1)


def test_it_runs_a_network(backend):
    (name,) = backend.inputs

    outputs = backend.run({name: np.array([[-1.0, 2.0]], np.float32)})

    assert list(outputs) == list(backend.outputs)
    np.testing.assert_allclose(outputs[backend.outputs[0]], [[0.0, 2.0]])


def test_it_takes_batches_of_any_size(backend):
    for n in (1, 7, 2):
        outputs = backend.run({backend.inputs[0]: np.full((n, 2), -1, np.float32)})

        assert outputs[backend.outputs[0]].shape == (n, 2)


def test_threads_that_share_it_get_their_own_answers(backend):
    def answer(value):
        outputs = backend.run({backend.inputs[0]: np.full((1, 2), value, np.float32)})
        return float(outputs[backend.outputs[0]][0, 0])

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(answer, range(100))) == list(range(100))


@pytest.mark.parametrize("name", NAMES)
def test_a_file_that_is_no_network_is_refused(name, tmp_path):
    path = tmp_path / FILES[BACKENDS[name].format]
    path.write_bytes(b"{}")
    path.with_suffix(".pdiparams").write_bytes(b"")

    with pytest.raises(InfrastructureError, match=f"cannot load {path.name}"):
        BACKENDS[name](path)


@pytest.mark.parametrize("name", NAMES)
def test_it_says_what_it_reads_and_needs(name):
    assert BACKENDS[name].format
    assert BACKENDS[name].libraries


@pytest.mark.parametrize("name", NAMES)
def test_it_says_how_it_adds_on_every_processor(name):
    backend = BACKENDS[name]

    for instruction_set in (*INSTRUCTION_SETS, "another"):
        assert backend.sums("float32", instruction_set) == Sums.FLOAT
        assert backend.sums("int8", instruction_set) in Sums
