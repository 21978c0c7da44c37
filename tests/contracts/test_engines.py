"""What every engine promises. A new one is tested here the day it is on the board."""

from importlib.util import find_spec

import numpy as np
import pytest

from stages.deploy import calibration
from stages.deploy.engines import size_of
from stages.evaluate.native import graph_of, predictor_of
from stages.parts import COMPRESSORS, ENGINES, EXPORTERS, numerics
from stages.runtime.backends import BACKENDS
from stages.runtime.description import PLAIN
from stages.runtime.errors import ConfigError
from stages.runtime.libraries import LEAST
from stages.runtime.predictor import Predictor
from tests.deploy.conftest import shapes
from tests.engines import WINDOWS, converted, marked, relu

NAMES = list(ENGINES)
AS_EXPORTED = ("onnx", "paddle_inference")  # formats that need no conversion
CONVERTED = [name for name in NAMES if ENGINES[name].format not in AS_EXPORTED]


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    return shapes(tmp_path_factory.getbasetemp() / "shapes")


@pytest.mark.parametrize("name", NAMES)
def test_its_parts_are_there_and_of_one_format(name):
    engine = ENGINES[name]

    assert engine.name == name
    assert BACKENDS[engine.backend].format == engine.format
    assert EXPORTERS[engine.exporter].format == engine.format
    assert engine.compressors
    for numeric, key in engine.compressors.items():
        assert (COMPRESSORS[key].format, COMPRESSORS[key].numeric) == (engine.format, numeric)
    assert engine.files
    assert all(PLAIN.fits(file) for file in engine.files)
    assert find_spec(engine.measure)


@pytest.mark.parametrize("name", NAMES)
def test_what_it_needs_has_a_least_version_and_what_it_cannot_run_a_reason(name):
    engine = ENGINES[name]

    assert set(engine.libraries) <= set(LEAST)
    for numeric, reason in engine.cannot.items():
        assert numeric in numerics()
        assert reason.endswith(".")


@pytest.mark.parametrize("name", marked(NAMES))
def test_the_exported_network_answers_as_the_trained_model(name, trained, tmp_path):
    engine = ENGINES[name]
    samples = calibration.chosen(trained.dataset, trained.store, 6)
    windows = calibration.prepared(trained.model, samples, trained.store)

    network = engine.export(trained.model, trained.store, windows)

    assert tuple(network) == engine.files
    with graph_of(trained.model, trained.store) as graph:
        native = predictor_of(trained.model, graph)
        expected = native.forward(windows)
    path = engine.place(network, tmp_path)
    exported = Predictor({**native.description, "backend": engine.backend}, path)
    for output, wanted in zip(exported.forward(windows), expected, strict=True):
        np.testing.assert_allclose(output, wanted, atol=1e-3)
    assert [output.shape for output in exported.forward(windows[:1])] == [(1, 3)]


@pytest.mark.parametrize("name", marked(CONVERTED))
def test_an_operator_that_it_lacks_is_told_by_name(name, tmp_path):
    with pytest.raises(ConfigError, match=r"lacks operators of this network: .*Hardmax"):
        converted(name, relu("Hardmax"), tmp_path)


@pytest.mark.parametrize("name", marked(CONVERTED))
def test_equal_networks_have_equal_bytes(name, tmp_path):
    for copy in ("first", "second"):
        converted(name, relu(outputs=2), tmp_path / copy, WINDOWS)

    for file in ENGINES[name].files:
        first, second = (tmp_path / copy / file for copy in ("first", "second"))
        assert first.read_bytes() == second.read_bytes()


@pytest.mark.parametrize("name", marked(NAMES))
def test_what_every_compressor_makes_runs_and_is_smaller(name, trained, tmp_path):
    engine = ENGINES[name]
    samples = calibration.chosen(trained.dataset, trained.store, 6)
    windows = calibration.prepared(trained.model, samples, trained.store)
    network = engine.export(trained.model, trained.store, windows)
    first = BACKENDS[engine.backend](engine.place(network, tmp_path))
    expected = first.run({first.inputs[0]: windows})

    for numeric in engine.compressors:
        compressed = engine.compress(network, numeric, [windows])
        again = engine.compress(network, numeric, [windows])
        folder = tmp_path / numeric
        folder.mkdir()
        backend = BACKENDS[engine.backend](engine.place(compressed, folder), numeric=numeric)
        outputs = backend.run({backend.inputs[0]: windows})

        assert compressed == again
        assert size_of(compressed) <= size_of(network)
        for output, wanted in zip(outputs.values(), expected.values(), strict=True):
            assert np.corrcoef(output.ravel(), wanted.ravel())[0, 1] > 0.98, numeric
