"""A device that has Python and what requirements.txt names, and nothing else."""

import json
import re
import subprocess
import sys

import httpx
import pytest

from stages.deploy.pack import unpack
from stages.etl.manifest import samples_of
from stages.parts import ENGINES


@pytest.fixture(scope="module", params=list(ENGINES))
def device(request, made, tmp_path_factory):
    package = made.deploy(engine=request.param)
    return installed(made, package, tmp_path_factory.mktemp(request.param))


@pytest.fixture(scope="module")
def cloud(made, tmp_path_factory):
    return installed(made, made.deploy("cloud_api"), tmp_path_factory.mktemp("cloud"))


def installed(made, package, place):
    """A new environment with the package's requirements, and the package beside it."""
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
    python, folder = device
    said = subprocess.run(
        [str(python), "-m", "pip", "list", "--format=json"], capture_output=True, check=True
    )

    names = {one["name"].lower() for one in json.loads(said.stdout)}
    assert not names & {"pydantic", "paddlepaddle", "onnx", "fastapi", "ai-workflow"}
    own = (folder / "requirements.txt").read_text()
    engines = {library for name in ENGINES for library in ENGINES[name].libraries}
    assert {library for library in engines if library in own} == names & engines


@pytest.mark.slow
@pytest.mark.service
def test_the_service_answers_there(made, cloud):
    python, folder = cloud
    one = samples_of(made.dataset, made.store, "test")[-1]
    words = [str(python), "-m", "shapes_sdk", "serve", "--port", "0"]
    with subprocess.Popen(words, cwd=folder, stderr=subprocess.PIPE, text=True) as server:
        try:
            place = re.search(r"http://127\.0\.0\.1:\d+", server.stderr.readline()).group()
            said = httpx.post(f"{place}/predict", content=made.store.get(one.digest), timeout=20)
            page = httpx.get(f"{place}/docs")
        finally:
            server.terminate()

    assert said.json()["labels"][0]["label"] == one.label
    assert page.status_code == 200
