"""What every exporter promises. A new one is tested here the day it is on the board."""

import numpy as np
import onnx
import pytest

from stages.deploy import calibration
from stages.evaluate.native import graph_of, predictor_of
from stages.parts import COMPRESSORS, EXPORTERS
from stages.runtime.backends import BACKENDS
from stages.runtime.predictor import Predictor
from tests.deploy.conftest import scenes, shapes, tones

OLDEST = 8  # the format of an ONNX file that ONNX Runtime 1.15 and all later ones read
OPERATORS = 17  # and the set of ONNX's own operators


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return shapes(tmp_path_factory.getbasetemp() / "shapes")


@pytest.mark.parametrize("name", list(EXPORTERS))
def test_the_file_answers_as_the_trained_model(name, made, tmp_path):
    samples = calibration.chosen(made.dataset, made.store, 6)
    pictures = calibration.prepared(made.model, samples, made.store)
    exporter, out = EXPORTERS[name](), tmp_path / "out"

    exporter.export(made.model, made.store, pictures, out)

    with graph_of(made.model, made.store) as graph:
        native = predictor_of(made.model, graph)
        expected = native.forward(pictures)
    exported = Predictor({**native.description, "backend": exporter.backend}, out)
    for given, wanted in zip(exported.forward(pictures), expected, strict=True):
        np.testing.assert_allclose(given, wanted, atol=1e-3)
    assert [one.shape for one in exported.forward(pictures[:1])] == [(1, 3)]


@pytest.mark.parametrize("name", list(EXPORTERS))
def test_its_files_can_be_run_by_its_backend(name):
    assert BACKENDS[EXPORTERS[name].backend].format == EXPORTERS[name].format


@pytest.mark.parametrize(
    "make",
    [
        shapes,
        pytest.param(scenes, marks=pytest.mark.slow),
        pytest.param(tones, marks=pytest.mark.slow),
    ],
    ids=lambda make: make.__name__,
)
@pytest.mark.parametrize("name", list(EXPORTERS))
def test_an_old_engine_can_read_its_file_and_what_every_compressor_makes_of_it(
    name, make, tmp_path_factory, tmp_path
):
    made = make(tmp_path_factory.getbasetemp() / make.__name__)
    samples = calibration.chosen(made.dataset, made.store, 4)
    windows = calibration.prepared(made.model, samples, made.store)
    graph = tmp_path / "graph.onnx"

    EXPORTERS[name]().export(made.model, made.store, windows, graph)

    outs = {numeric: tmp_path / f"{numeric}.onnx" for numeric in COMPRESSORS}
    for numeric, out in outs.items():
        COMPRESSORS[numeric]().compress(graph, list(calibration.batches(windows)), out)
    for path in (graph, *outs.values()):
        file = onnx.load(str(path))
        declared = [(one.domain, one.version) for one in file.opset_import]
        assert declared == [("", OPERATORS)], path.name
        assert {node.domain for node in file.graph.node} == {""}
        assert file.ir_version == OLDEST
