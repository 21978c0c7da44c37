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
from tests.engines import marked

NEVER = {"ai-workflow", "fastapi", "onnx", "paddlepaddle", "pydantic"}  # but what an engine needs


@pytest.fixture(scope="module", params=marked(list(ENGINES)))
def device(request, deployable, tmp_path_factory):
    package = deployable.deploy(engine=request.param)
    return installed(deployable, package, tmp_path_factory.mktemp(request.param))


@pytest.fixture(scope="module")
def cloud(deployable, tmp_path_factory):
    return installed(deployable, deployable.deploy("cloud_api"), tmp_path_factory.mktemp("cloud"))


def installed(deployable, package, place):
    """A new environment with the package's requirements alone, and the package beside it."""
    folder = unpack(package, deployable.store, place / "a päckage")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(place / "env")], check=True)
    python = place / "env" / "bin" / "python"
    pip(python, "install", "--no-compile", "--quiet", "-r", folder / "requirements.txt")
    return python, folder


def pip(python, command, *arguments):
    """What pip prints, run here for the environment of `python`."""
    tool = [sys.executable, "-m", "pip", "--python", python, "--disable-pip-version-check"]
    whole = [str(part) for part in (*tool, command, *arguments)]
    return subprocess.run(whole, capture_output=True, text=True, check=True).stdout


def typed(device, *arguments):
    python, folder = device
    command = [str(python), "-m", "shapes_sdk", *map(str, arguments)]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout


@pytest.mark.slow
def test_the_selftest_passes_there(device):
    assert typed(device, "selftest").startswith("Selftest passed")


@pytest.mark.slow
def test_a_photo_is_answered_there(deployable, device, tmp_path):
    sample = samples_of(deployable.dataset, deployable.store, "test")[-1]
    photo = tmp_path / "photo.png"
    photo.write_bytes(deployable.store.get(sample.digest))

    answer = json.loads(typed(device, "predict", "--json", "--top", "1", photo))

    assert answer["labels"][0]["label"] == sample.label


@pytest.mark.slow
def test_nothing_but_the_named_libraries_is_there(device):
    python, folder = device
    listed = json.loads(pip(python, "list", "--format=json"))
    names = {library["name"].lower() for library in listed}
    text = (folder / "requirements.txt").read_text()
    named = {line.split("==")[0].lower() for line in text.splitlines() if line[:1] != "#"}
    engines = {library.lower() for name in ENGINES for library in ENGINES[name].libraries}

    assert named <= names
    assert names & (NEVER | engines) == named & (NEVER | engines)


@pytest.mark.slow
@pytest.mark.service
def test_the_service_answers_there(deployable, cloud):
    python, folder = cloud
    sample = samples_of(deployable.dataset, deployable.store, "test")[-1]
    command = [str(python), "-m", "shapes_sdk", "serve", "--port", "0"]
    with subprocess.Popen(command, cwd=folder, stderr=subprocess.PIPE, text=True) as server:
        try:
            place = re.search(r"http://127\.0\.0\.1:\d+", server.stderr.readline()).group()
            response = httpx.post(
                f"{place}/predict", content=deployable.store.get(sample.digest), timeout=20
            )
            page = httpx.get(f"{place}/docs")
        finally:
            server.terminate()

    assert response.json()["labels"][0]["label"] == sample.label
    assert page.status_code == 200
