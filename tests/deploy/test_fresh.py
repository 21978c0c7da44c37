"""A device that has Python and what requirements.txt names, and nothing else."""

import json
import subprocess
import sys

import pytest

from stages.deploy.pack import unpack
from stages.etl.manifest import samples_of


@pytest.fixture(scope="module")
def device(made, package, tmp_path_factory):
    """A new environment with the package's requirements, and the package beside it."""
    place = tmp_path_factory.mktemp("device")
    folder = unpack(package, made.store, place / "a päckage")
    subprocess.run([sys.executable, "-m", "venv", str(place / "env")], check=True)
    python = place / "env" / "bin" / "python"
    words = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r"]
    subprocess.run([str(python), *words, str(folder / "requirements.txt")], check=True)
    return python, folder


def typed(device, *words):
    python, folder = device
    command = [str(python), "-m", "shapes_sdk", *map(str, words)]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout


@pytest.mark.slow
def test_the_selftest_passes_there(device):
    assert typed(device, "selftest").startswith("Selftest passed")


@pytest.mark.slow
def test_a_photo_is_answered_there(made, device, tmp_path):
    one = samples_of(made.dataset, made.store, "test")[-1]
    photo = tmp_path / "photo.png"
    photo.write_bytes(made.store.get(one.digest))

    said = json.loads(typed(device, "predict", "--json", "--top", "1", photo))

    assert said["labels"][0]["label"] == one.label


@pytest.mark.slow
def test_nothing_but_the_named_libraries_is_there(device):
    python, _ = device
    said = subprocess.run(
        [str(python), "-m", "pip", "list", "--format=json"], capture_output=True, check=True
    )

    names = {one["name"].lower() for one in json.loads(said.stdout)}
    assert not names & {"pydantic", "paddlepaddle", "onnx", "fastapi", "ai-workflow"}
