"""An engine is one record: it decides a network's files, what makes them and what runs them."""

import json

import pytest

from stages.config import DeployConfig, parse_pipeline
from stages.deploy.compressors import CannotCompress
from stages.deploy.engines import check_engine
from stages.deploy.pack import unpack
from stages.deploy.packed import self_test
from stages.parts import COMPRESSORS, ENGINES, EXPORTERS
from stages.runtime.errors import ConfigError, Damaged
from tests.deploy.split import SPLIT, SplitFloat32

HOME = "tests.deploy.split"


@pytest.fixture
def split(monkeypatch):
    """An engine of two files on the boards."""
    monkeypatch.setitem(ENGINES.places, "split", f"{HOME}:SPLIT")
    monkeypatch.setitem(EXPORTERS.places, "split", f"{HOME}:SplitOnnx")
    monkeypatch.setitem(COMPRESSORS.places, "split/float32", f"{HOME}:SplitFloat32")
    monkeypatch.setitem(COMPRESSORS.places, "split/float16", f"{HOME}:SplitFloat16")


def test_a_network_of_two_files_is_packed_and_passes_its_own_test(deployable, split, tmp_path):
    package = deployable.deploy(engine="split", ladder=("int8", "float16", "float32"))

    assert set(SPLIT.files) <= set(package.files)
    assert (package.format, package.backend, package.numeric) == (
        "split",
        "onnxruntime",
        "float32",
    )
    folder = unpack(package, deployable.store, tmp_path / "package")
    assert json.loads((folder / "package.json").read_text())["model"] == "network.graph"
    self_test(folder, "shapes_sdk")
    sizes = sum((folder / name).stat().st_size for name in SPLIT.files)
    assert package.rungs[-1]["network_bytes"] == sizes


def test_a_number_format_that_it_does_not_run_is_told_and_passed_over(deployable, split):
    package = deployable.deploy(engine="split", ladder=("int8", "float16", "float32"))

    reasons = {trial["numeric"]: trial["why"] for trial in package.rungs}
    assert reasons["int8"] == "No compressor makes int8 of split."
    assert reasons["float16"] == "split does not run float16: it is here to be passed over."


def test_a_network_that_lacks_a_file_is_told(split, monkeypatch):
    def forgetful(self, graph, calibration, out):
        out.write_bytes(graph.read_bytes())

    monkeypatch.setattr(SplitFloat32, "compress", forgetful)

    with pytest.raises(Damaged, match=r"did not write network\.weights"):
        SPLIT.compress(dict.fromkeys(SPLIT.files, b""), "float32", [])


def test_compressors_are_found_by_format_and_number_format(split):
    assert SPLIT.compressors == {"float32": "split/float32"}
    assert isinstance(SPLIT.compressor("float32"), SplitFloat32)
    with pytest.raises(CannotCompress, match="does not run float16"):
        SPLIT.compressor("float16")


def test_a_ladder_that_the_engine_cannot_run_is_told_before_anything_is_done(split):
    with pytest.raises(ConfigError, match="split runs none of int8, float16") as caught:
        check_engine(DeployConfig(engine="split", ladder=("int8", "float16")))

    assert caught.value.remedy == "Name some of: float32."


def test_an_engine_that_is_not_installed_is_told_before_anything_is_done(monkeypatch):
    monkeypatch.setattr("stages.deploy.engines.installed", lambda library: None)

    with pytest.raises(ConfigError, match=r"needs onnxruntime and onnx and .*, not") as caught:
        check_engine(DeployConfig())

    assert caught.value.remedy.startswith("Run: pip install onnxruntime onnx ")


def test_an_unknown_engine_is_told_with_the_nearest():
    yaml = "name: some\ntask: image_classification\ndata: none\ndeploy: {engine: onnx_runtime}\n"

    with pytest.raises(ConfigError, match="Did you mean 'onnxruntime'"):
        parse_pipeline(yaml)
