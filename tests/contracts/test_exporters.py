"""What every exporter promises. A new one is tested here the day it is on the board."""

import numpy as np
import pytest

from stages.deploy import calibration
from stages.evaluate.native import graph_of, predictor_of
from stages.parts import EXPORTERS
from stages.runtime.backends import BACKENDS
from stages.runtime.predictor import Predictor
from tests.deploy.conftest import shapes


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
