"""What every engine promises. A new one is tested here the day it is on the board."""

from importlib.util import find_spec

import numpy as np
import pytest

from stages.deploy import calibration
from stages.evaluate.native import graph_of, predictor_of
from stages.parts import COMPRESSORS, ENGINES, EXPORTERS, numerics
from stages.runtime.backends import BACKENDS
from stages.runtime.description import PLAIN
from stages.runtime.libraries import LEAST
from stages.runtime.predictor import Predictor
from tests.deploy.conftest import shapes

NAMES = list(ENGINES)


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


@pytest.mark.parametrize("name", NAMES)
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
