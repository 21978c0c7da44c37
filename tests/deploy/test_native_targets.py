"""Folders for one engine's own programs, from a trained model: gated, verified and read by the
engine's library alone."""

import json

import numpy as np
import pytest

from stages.config import DeployConfig, PipelineConfig
from stages.deploy.engines import check_engine, missing_libraries
from stages.deploy.pack import unpack
from stages.deploy.targets.native_folder import INPUT, VECTOR
from stages.parts import ENGINES
from stages.runtime.errors import ConfigError
from tests.engines import marked


@pytest.mark.parametrize("name", marked(["openvino", "mnn", "ncnn", "litert"]))
def test_a_trained_model_becomes_a_folder_of_the_engine(name, deployable, tmp_path):
    package = deployable.deploy(name, ladder=("float32",))

    files = {file: deployable.store.get(digest) for file, digest in package.files.items()}
    description, vector = json.loads(files["package.json"]), json.loads(files[VECTOR])
    assert (package.target, package.backend) == (name, name)
    assert package.format == {"litert": "tflite"}.get(name, name)
    assert description["model"] in files
    assert "model.onnx" not in files
    assert package.agreement.value == 1
    assert len(files[INPUT]) == 4 * int(np.prod(vector["input"]["shape"]))
    assert "From C++ or another language" in files["README.md"].decode()
    if name == "openvino":
        folder = unpack(package, deployable.store, tmp_path / "folder")
        _check_model_info(folder / "model.xml", description["labels"])


def _check_model_info(model, labels):
    """The IR says labels and preprocessing to other tools."""
    import openvino

    info = openvino.Core().read_model(str(model)).get_rt_info("model_info")
    assert info["labels"].split() == labels
    assert (info["model_type"], info["resize_type"]) == ("Classification", "crop")
    assert info["mean_values"].split() == ["127.5"] * 3


def test_a_target_with_an_engines_name_takes_that_engine_and_others_the_pipelines():
    deploy = DeployConfig(targets=("device_sdk", "mnn", "openvino"), engine="numpy")
    pipeline = PipelineConfig(name="a", task="image_classification", data="x", deploy=deploy)

    assert deploy.engines == ("numpy", "mnn", "openvino")
    assert pipeline.slice("deploy", "mnn").deploy.engine == "mnn"
    assert pipeline.slice("deploy", "device_sdk").deploy.engine == "numpy"


def test_a_target_whose_library_is_missing_is_refused_before_training(monkeypatch):
    monkeypatch.setattr("stages.deploy.engines.installed", lambda name: None)
    assert missing_libraries(ENGINES["ncnn"])

    with pytest.raises(ConfigError, match=r"deploy\.targets: ncnn needs .*not installed") as caught:
        check_engine(DeployConfig(targets=("ncnn",), ladder=("float32",)))

    assert "pip install" in caught.value.remedy
