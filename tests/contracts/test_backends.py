"""What every backend promises. A new one is tested here the day it is registered."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from stages.models.export import child_environment
from stages.parts import ENGINES
from stages.runtime.backends import BACKENDS
from stages.runtime.backends.sums import Sums
from stages.runtime.errors import InfrastructureError
from stages.runtime.processor import INSTRUCTION_SETS
from tests.engines import converted, marked, relu

NAMES = list(BACKENDS)
INSTALLED = marked(list(ENGINES))
PADDLE = "paddle_inference"
OF_ONNX = marked([name for name in ENGINES if name != PADDLE])
RELU_IN_PADDLE = """
import sys, paddle
layer = paddle.nn.ReLU()
spec = [paddle.static.InputSpec([None, 1, 1, 2], "float32", "x")]
paddle.jit.save(layer, sys.argv[1], input_spec=spec)
"""
OUT_OF_JSON = """
import sys
from pathlib import Path
import numpy as np
from stages.runtime.backends import BACKENDS
backend = BACKENDS[sys.argv[1]](Path(sys.argv[2]))
backend.run({backend.inputs[0]: np.ones((1, 1, 1, 2), np.float32)})
print("{}")
"""


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    """The file of max(x, 0) for an engine."""

    def file(name):
        folder = tmp_path_factory.mktemp(name)
        if name != PADDLE:
            return converted(name, relu(), folder)
        command = [sys.executable, "-c", RELU_IN_PADDLE, str(folder / "relu")]
        subprocess.run(command, check=True, env=child_environment(), capture_output=True)
        return folder / "relu.json"

    return file


@pytest.fixture(scope="module", params=INSTALLED)
def backend(request, network):
    return BACKENDS[ENGINES[request.param].backend](network(request.param), threads=1)


def x(*rows):
    return np.array(rows, np.float32).reshape(len(rows), 1, 1, 2)


def test_it_runs_a_network(backend):
    (name,) = backend.inputs

    outputs = backend.run({name: x([-1.0, 2.0])})

    assert list(outputs) == list(backend.outputs)
    np.testing.assert_allclose(outputs[backend.outputs[0]], x([0.0, 2.0]))


def test_it_takes_batches_of_any_size(backend):
    for n in (1, 7, 2):
        outputs = backend.run({backend.inputs[0]: x(*[[-1, k] for k in range(n)])})

        expected = x(*[[0, k] for k in range(n)])
        np.testing.assert_allclose(outputs[backend.outputs[0]], expected)


def test_an_answer_stays_as_it_is_when_the_next_is_computed(backend):
    first = backend.run({backend.inputs[0]: x([1, 1])})[backend.outputs[0]]

    backend.run({backend.inputs[0]: x([5, 5])})

    np.testing.assert_allclose(first, x([1, 1]))


def test_threads_that_share_it_get_their_own_answers(backend):
    def answer(value):
        outputs = backend.run({backend.inputs[0]: x([value, value])})
        return float(outputs[backend.outputs[0]].ravel()[0])

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(answer, range(100))) == list(range(100))


@pytest.mark.parametrize("name", OF_ONNX)
def test_outputs_are_in_the_networks_order(name, tmp_path):
    backend = BACKENDS[ENGINES[name].backend](converted(name, relu(outputs=2), tmp_path))

    outputs = backend.run({"x": x([-1, 4])})

    assert list(outputs) == list(backend.outputs) == ["z", "a"]
    np.testing.assert_allclose(outputs["a"], x([0, 2]))


@pytest.mark.parametrize("name", INSTALLED)
def test_it_prints_nothing_where_answers_are_printed(name, network):
    program = [sys.executable, "-c", OUT_OF_JSON, ENGINES[name].backend, str(network(name))]

    done = subprocess.run(program, env=child_environment(), capture_output=True, text=True)

    assert done.stdout == "{}\n", done.stderr


@pytest.mark.parametrize("name", INSTALLED)
@pytest.mark.parametrize("data", [b"{}", b"", b"\0" * 4000], ids=["short", "empty", "zeros"])
def test_a_file_that_is_no_network_is_refused(name, data, network, tmp_path):
    engine = ENGINES[name]
    for file in engine.files:
        (tmp_path / file).write_bytes(data)

    with pytest.raises(InfrastructureError, match=f"cannot load {engine.files[0]}"):
        BACKENDS[engine.backend](tmp_path / engine.files[0])


@pytest.mark.parametrize("name", marked(["ncnn", "mnn"]))
def test_a_network_without_one_of_its_files_is_refused(name, network):
    path = network(name)
    for file in ENGINES[name].files[1:]:
        beside = path.with_suffix(file[file.index(".") :])
        data = beside.read_bytes()
        beside.unlink()

        with pytest.raises(InfrastructureError, match="cannot load"):
            BACKENDS[ENGINES[name].backend](path)

        beside.write_bytes(data)


def test_an_input_of_another_name_is_refused(backend):
    with pytest.raises(InfrastructureError, match="cannot run on"):
        backend.run({"another": x([1, 1])})


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
