"""OpenVINO's Model API reads labels and steps back from our files.

It does not answer with them: it takes networks of one size only, and ours take any."""

import json
import os
import subprocess
import sys

import pytest

from stages.deploy.pack import unpack
from tests.engines import marked

PACKAGE = "openvino-model-api==0.4.7"
PROGRAM = """
import json, sys
import onnx
from model_api.adapters.utils import load_parameters_from_onnx
from model_api.models import Model
found = load_parameters_from_onnx(onnx.load(sys.argv[2]))["model_info"]
model = Model.create_model(sys.argv[1], device="CPU")
params = model.params
print(json.dumps({"onnx": found, "kind": type(model).__name__, "labels": list(params.labels),
                  "mean": list(map(float, params.mean_values))}))
"""


@pytest.fixture(scope="module")
def model_api(tmp_path_factory):
    """A folder with Model API beside the libraries of this environment."""
    folder = tmp_path_factory.mktemp("model_api")
    command = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", folder]
    done = subprocess.run([*command, PACKAGE], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"{PACKAGE} cannot be installed here: {done.stderr[-200:]}")
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("engine", marked(["openvino"]))
def test_model_api_reads_what_our_files_say(engine, model_api, deployable, tmp_path):
    packages = {
        name: deployable.deploy(name, ladder=("float32",)) for name in (engine, "device_sdk")
    }
    folders = {
        name: unpack(package, deployable.store, tmp_path / name)
        for name, package in packages.items()
    }
    arguments = [folders[engine] / "model.xml", folders["device_sdk"] / "model.onnx"]
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *map(str, arguments)],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(model_api)},
        check=False,
    )

    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout.splitlines()[-1])
    description = json.loads((folders[engine] / "package.json").read_text())
    assert found["onnx"]["labels"].split() == found["labels"] == description["labels"]
    assert found["kind"] == "ClassificationModel"
    assert found["mean"] == [127.5] * 3
