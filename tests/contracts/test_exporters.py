"""What every exporter promises. A new one is tested here the day it is on the board."""

from contextlib import suppress

import onnx
import pytest

from stages.deploy import calibration
from stages.deploy.compressors import CannotCompress
from stages.deploy.engines import missing_libraries
from stages.parts import COMPRESSORS, ENGINES, EXPORTERS, numerics
from stages.runtime.backends.onnxruntime import OnnxRuntime
from stages.runtime.libraries import installed
from tests.deploy.conftest import scenes, shapes, tones

OLDEST = 8  # the format of an ONNX file that ONNX Runtime 1.15 and all later ones read
OPERATORS = 17  # and the set of ONNX's own operators


@pytest.mark.parametrize("name", list(EXPORTERS))
def test_it_says_what_it_makes_and_with_what(name):
    exporter = EXPORTERS[name]

    assert exporter.format == name
    engines = [ENGINES[key] for key in ENGINES if ENGINES[key].exporter == name]
    if missing := missing_libraries(engines[0]):
        pytest.skip(f"needs {' and '.join(missing)}")
    assert all(installed(tool) for tool in exporter.tools)


@pytest.mark.parametrize(
    "make",
    [
        shapes,
        pytest.param(scenes, marks=pytest.mark.slow),
        pytest.param(tones, marks=pytest.mark.slow),
    ],
    ids=lambda make: make.__name__,
)
@pytest.mark.parametrize("name", ["onnx"])
def test_an_old_engine_can_read_its_file_and_what_every_compressor_makes_of_it(
    name, make, tmp_path_factory, tmp_path
):
    network = make(tmp_path_factory.getbasetemp() / make.__name__)
    samples = calibration.chosen(network.dataset, network.store, 4)
    windows = calibration.prepared(network.model, samples, network.store)
    graph = tmp_path / "graph.onnx"

    EXPORTERS[name]().export(network.model, network.store, windows, graph, OnnxRuntime)

    outs = {numeric: tmp_path / f"{numeric}.onnx" for numeric in numerics()}
    for numeric, out in outs.items():
        with suppress(CannotCompress):
            COMPRESSORS[f"{name}/{numeric}"]().compress(graph, calibration.batches(windows), out)
    written = {numeric for numeric, out in outs.items() if out.exists()}
    assert written >= set(outs) - {"int8_finetuned"}  # which is refused where it brings nothing
    for path in (graph, *(outs[numeric] for numeric in written)):
        file = onnx.load(str(path))
        declared = [(opset.domain, opset.version) for opset in file.opset_import]
        assert declared == [("", OPERATORS)], path.name
        assert {node.domain for node in file.graph.node} == {""}
        assert file.ir_version == OLDEST
