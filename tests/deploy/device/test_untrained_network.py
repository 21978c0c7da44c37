"""Untrained networks in the number format that would be tried first."""

import numpy as np
import pytest

from stages.deploy.device.untrained_network import _compressed
from stages.deploy.device.untrained_weights import NetworkSpec
from stages.deploy.engines.onnxruntime import ONNX_RUNTIME
from stages.runtime.errors import WorkflowError
from tests.deploy.test_calibrations import WIDTH, chain, matrix

WINDOWS = np.random.default_rng(0).random((8, WIDTH)).astype(np.float32)


def spec(*ladder, engine="onnxruntime"):
    return NetworkSpec(
        task="image_classification", labels=7, hidden=0, folds=1, ladder=ladder, engine=engine
    )


@pytest.fixture
def network(tmp_path):
    return {"model.onnx": chain(tmp_path / "graph.onnx", matrix(), matrix()).read_bytes()}


def test_an_untrained_network_is_not_fine_tuned_as_that_changes_neither_size_nor_time(network):
    found, numeric = _compressed(network, WINDOWS, spec("int8_finetuned", "float16"))

    assert numeric == "int8_finetuned"
    assert dict(found) == dict(ONNX_RUNTIME.compress(network, "int8", [WINDOWS]))


def test_a_format_that_the_engine_does_not_run_is_passed_over(network):
    assert _compressed(network, WINDOWS, spec("int8_finetuned", "float32", engine="opencv"))[1] == (
        "float32"
    )
    with pytest.raises(WorkflowError, match="opencv does not run int8_finetuned"):
        _compressed(network, WINDOWS, spec("int8_finetuned", engine="opencv"))
