"""Packages on exactly the oldest libraries that they say they work with, and on the newest."""

import ctypes.util
import json
import subprocess
import sys

import pytest

from stages.deploy.pack import unpack
from stages.etl.manifest import samples_of
from stages.parts import ENGINES
from stages.runtime.errors import AgreementNotMet
from stages.runtime.libraries import LEAST
from stages.runtime.predictor import Predictor

# pip installs no OpenCV 5 beside the oldest numpy
LEAST_HERE = {name: LEAST[name] for name in LEAST if name not in ENGINES["opencv"].libraries}
SAMPLES = 12
PATIENCE = 900  # seconds, a guard
TOLERANCE = {"int8": 0.05, "float16": 2e-3, "float32": 2e-3}  # of a score, other decoders included


@pytest.fixture(scope="module", params=["least", "newest"])
def python(request, tmp_path_factory):
    """Python in a new environment with the libraries of all packages in these versions, or none."""
    place = tmp_path_factory.mktemp(request.param)
    least = [f"{name}=={version}" for name, version in LEAST_HERE.items()]
    wanted = least if request.param == "least" else list(LEAST_HERE)
    subprocess.run([sys.executable, "-m", "venv", str(place)], check=True)
    python = place / "bin" / "python"
    arguments = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", *wanted]
    subprocess.run([str(python), *arguments], check=True, timeout=PATIENCE)
    return python


@pytest.fixture(scope="module", params=["pictures", "boxes", "sounds"])
def task(request):
    fixture = {"pictures": "deployable", "boxes": "detecting", "sounds": "hearing"}[request.param]
    if request.param == "sounds" and not ctypes.util.find_library("sndfile"):
        pytest.skip("the oldest soundfile has no libsndfile of its own, nor has this machine")
    return request.getfixturevalue(fixture)


@pytest.fixture(params=["int8", "float16", "float32"])
def folder(request, task, tmp_path):
    """The package of the task's model in one number format, and what it may be off by."""
    try:
        package = task.deploy(ladder=(request.param,))
    except AgreementNotMet as error:
        pytest.skip(f"this small network does not ship as {request.param}: {error.problem}")
    return unpack(package, task.store, tmp_path / "package"), TOLERANCE[request.param]


def started(python, folder, *arguments):
    command = [str(python), "-m", "shapes_sdk", *map(str, arguments)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 0, done.stderr
    return done.stdout


def numbers(value):
    """Every number in an answer, in order."""
    if isinstance(value, dict):
        return [
            number for key, inner in value.items() if key != "file" for number in numbers(inner)
        ]
    if isinstance(value, list):
        return [number for inner in value for number in numbers(inner)]
    return [value] if isinstance(value, (int, float)) and not isinstance(value, bool) else []


@pytest.mark.slow
def test_the_package_tests_itself_and_answers_as_here(task, folder, python, tmp_path):
    package, tolerance = folder
    samples = samples_of(task.dataset, task.store, "test")[:SAMPLES]
    files = [tmp_path / str(number) for number, _ in enumerate(samples)]
    for path, sample in zip(files, samples, strict=True):
        path.write_bytes(task.store.get(sample.digest))

    result = started(python, package, "selftest")
    lines = started(python, package, "predict", "--json", "--top", "1", *files).splitlines()

    assert result.startswith("Selftest passed")
    with Predictor.open(package) as here:
        for path, line in zip(files, lines, strict=True):
            expected, found = here.predict(path.read_bytes(), 1), json.loads(line)
            pairs = list(zip(numbers(expected), numbers(found), strict=True))
            assert all(
                abs(number - other) <= tolerance * max(1.0, abs(number)) for number, other in pairs
            ), (expected, found)
            kind = "boxes" if "boxes" in expected else "labels"
            assert [entry["label"] for entry in found[kind]] == [
                entry["label"] for entry in expected[kind]
            ]


@pytest.mark.slow
def test_an_older_library_than_the_least_is_told_in_plain_words(deployable, tmp_path):
    folder = unpack(deployable.deploy(ladder=("float32",)), deployable.store, tmp_path / "package")
    place = tmp_path / "old"
    subprocess.run([sys.executable, "-m", "venv", str(place)], check=True)
    python = place / "bin" / "python"
    versions = {**LEAST_HERE, "pillow": "9.3.0"}
    old = [f"{name}=={version}" for name, version in versions.items()]
    arguments = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", *old]
    subprocess.run([str(python), *arguments], check=True, timeout=PATIENCE)

    done = subprocess.run(
        [str(python), "-m", "shapes_sdk", "selftest"], cwd=folder, capture_output=True, text=True
    )

    assert done.returncode == 7
    assert "pillow 9.3.0 is installed, and the package needs 9.4.0" in done.stderr
    assert "pip install --upgrade" in done.stderr
    assert "Traceback" not in done.stderr
