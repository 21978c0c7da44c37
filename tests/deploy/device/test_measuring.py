"""A network measured in a process of its own: what it costs, and that it is known afterwards."""

import io

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from stages.config.device import HERE, DeviceCost
from stages.deploy.device.measuring import CannotRun, measured
from stages.memo import ENTRIES
from stages.memo.entry import CacheEntry
from stages.parts import ENGINES
from stages.store import Store
from tests import makers

SHAPE = (3, 32, 32)


def network(channels: int, operator: str = "Relu") -> bytes:
    """A convolution of 3x3 to so many channels, and `operator`."""
    weight = np.full((channels, 3, 3, 3), 0.1, np.float32)
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        [
            helper.make_node("Conv", ["x", "w"], ["y"], pads=[1, 1, 1, 1]),
            helper.make_node(operator, ["y"], ["z"]),
        ],
        "one",
        [value("x", TensorProto.FLOAT, ["n", 3, "h", "w"])],
        [value("z", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(weight, "w")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    out = io.BytesIO()
    onnx.save(model, out)
    return out.getvalue()


def cost_of(model: bytes, store: Store) -> DeviceCost:
    engine, files = ENGINES["onnxruntime"], {"model.onnx": model}
    services = {"store": store, "resources": makers.resources(store.cache)}
    return measured("a@32", files, "float32", SHAPE, HERE, engine, **services)


@pytest.fixture
def store(tmp_path):
    return makers.store(tmp_path)


def test_a_network_has_a_time_a_size_and_a_memory(store):
    small, large = (cost_of(network(channels), store) for channels in (1, 400))

    assert small.latency_ms_p95 > 0
    assert small.size_mb < 0.001 < 0.04 < large.size_mb < 0.05
    assert 20 < small.memory_mb < 500


def test_memory_is_the_childs_and_not_that_of_whoever_started_it(store):
    ours = np.ones(400 * 2**20, np.uint8)  # what the peak of this process is above

    found = cost_of(network(2), store)

    assert found.memory_mb < 400 < ours.nbytes / 1e6


def test_what_was_measured_is_found_again(store):
    first = cost_of(network(3), store)
    [key] = [key for key in store.blobs.keys(ENTRIES)]
    CacheEntry(store.blobs, key.removesuffix(".json")).update(
        {"latency_ms_p95": 12.5, "memory_mb": 99.0}
    )

    again = cost_of(network(3), store)

    assert (again.latency_ms_p95, again.memory_mb) == (12.5, 99.0)
    assert again.size_mb == first.size_mb


def test_an_operator_that_the_engine_lacks_is_told(store):
    with pytest.raises(CannotRun, match="Frobnicate"):
        cost_of(network(3, "Frobnicate"), store)
