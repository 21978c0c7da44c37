"""Networks as packages of Core ML: what lies in the files, read back, answers as the reference.
Core ML itself runs on Apple's systems only, and was never run."""

import json
from importlib.util import find_spec

import numpy as np
import pytest

from stages.deploy.c_source.graph import read_graph
from stages.deploy.coreml.coreml_lowering import NotConverted
from stages.deploy.coreml.coreml_operators import program_of
from stages.deploy.coreml.mlpackage import MANIFEST, SPECIFICATION, WEIGHTS, written
from stages.deploy.coreml.reading import computed
from stages.deploy.pack import unpack
from tests.deploy.conftest import NAME
from tests.deploy.test_tflite import CASES, PICTURES, expected, model

MISSING = find_spec("coremltools") is None
needs_coremltools = pytest.mark.skipif(MISSING, reason="needs coremltools (pip install)")
SCALES = [np.float32(0.02), np.uint8(128)]
FURTHER = {"8 bits": ("QuantizeLinear", SCALES, {})}
NOT_WRITTEN = {
    "dilated maxima": ("MaxPool", [], {"kernel_shape": [2, 2], "dilations": [2, 2]}),
    "backwards": ("Slice", [np.array([3]), np.array([0]), np.array([1]), np.array([-1])], {}),
}


def files_of(network, is_float32=True):
    graph = read_graph({"model.onnx": network.SerializeToString()}, PICTURES.shape[1:])
    return written(program_of(graph, softmax=False), is_float32)


def answers(files):
    from coremltools.proto.Model_pb2 import Model

    specification = Model.FromString(files[SPECIFICATION])
    rows = [computed(specification, files[WEIGHTS], picture[None]) for picture in PICTURES]
    return np.concatenate(rows)


@needs_coremltools
@pytest.mark.parametrize("case", {**CASES, **FURTHER})
def test_an_operator_read_back_answers_as_the_reference(case, tmp_path):
    network = model(*{**CASES, **FURTHER}[case])

    found = answers(files_of(network))

    np.testing.assert_allclose(found, expected(network, tmp_path), atol=2e-5)


@needs_coremltools
def test_weights_of_16_bits_answer_nearly_so(tmp_path):
    network = model(*CASES["conv"])
    files = files_of(network, is_float32=False)

    assert len(files[WEIGHTS]) < 0.7 * len(files_of(network)[WEIGHTS])
    np.testing.assert_allclose(answers(files), expected(network, tmp_path), atol=0.02)


@needs_coremltools
def test_equal_networks_have_equal_files():
    network = model(*CASES["conv"])

    assert files_of(network) == files_of(network)


@needs_coremltools
@pytest.mark.parametrize("case", NOT_WRITTEN)
def test_what_is_not_written_is_named(case):
    with pytest.raises(NotConverted, match=rf"has {NOT_WRITTEN[case][0]}"):
        files_of(model(*NOT_WRITTEN[case]))


@needs_coremltools
def test_a_changed_weight_is_noticed(tmp_path):
    """The comparison reads the file, not what was meant to be written."""
    network = model(*CASES["conv"])
    files = files_of(network)
    changed = np.frombuffer(files[WEIGHTS], np.float32).copy()
    changed[len(changed) // 2] += 1
    files[WEIGHTS] = changed.tobytes()

    assert np.abs(answers(files) - expected(network, tmp_path)).max() > 1e-3


@pytest.mark.slow
@needs_coremltools
@pytest.mark.parametrize("kind", ["deployable", "hearing"])
@pytest.mark.parametrize("numeric", ["float32", "float16", "int8"])
def test_an_ios_package_has_the_network_for_core_ml(kind, numeric, request, tmp_path):
    deployable = request.getfixturevalue(kind)
    package = deployable.deploy("ios", ladder=(numeric,))

    folder = unpack(package, deployable.store, tmp_path / "package")

    place = folder / "ios" / f"{NAME}.mlpackage"
    assert all((place / name).is_file() for name in (SPECIFICATION, WEIGHTS, MANIFEST))
    stated = " ".join(json.loads((folder / "verified_parts.json").read_text()))
    assert f"Converted, not run: ios/{NAME}.mlpackage" in stated
    assert "converted, not run" in (folder / "README.md").read_text()


@pytest.mark.slow
@pytest.mark.skipif(not MISSING, reason="coremltools is here")
def test_an_ios_package_without_coremltools_says_so(deployable, tmp_path):
    folder = unpack(
        deployable.deploy("ios", ladder=("float32",)), deployable.store, tmp_path / "package"
    )

    assert not (folder / "ios" / f"{NAME}.mlpackage").exists()
    stated = " ".join(json.loads((folder / "verified_parts.json").read_text()))
    assert "pip install coremltools" in stated
