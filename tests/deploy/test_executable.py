"""One program without Python answers as the package that it was made from."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from stages.deploy.pack import unpack
from stages.runtime.errors import ConfigError
from stages.runtime.predictor import Predictor
from tests.compilers import cannot_compile
from tests.deploy.conftest import NAME
from tests.deploy.native_sdk import samples

pytestmark = pytest.mark.skipif(bool(cannot_compile()), reason=cannot_compile())
CLOSE = 1e-3


def deployed(deployable, numeric: str, folder: Path) -> tuple[Path, Path]:
    """The package's folder, and its program, which may be run."""
    package = deployable.deploy("executable", ladder=(numeric,))
    unpacked = unpack(package, deployable.store, folder / "package")
    program = unpacked / "program" / NAME
    os.chmod(program, 0o700)
    return unpacked, program


def run(program: Path, *arguments: str | Path) -> "subprocess.CompletedProcess[str]":
    command = [str(program), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, env={}, check=False)


@pytest.mark.slow
@pytest.mark.parametrize("numeric", ["float32", "int8"])
def test_the_program_answers_photos_as_the_package(numeric, deployable, tmp_path):
    folder, program = deployed(deployable, numeric, tmp_path)
    photos = list(samples.photos(tmp_path))

    done = run(program, "--top", "0", *photos)

    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    with Predictor.open(folder) as predictor:
        allowed = CLOSE if numeric == "float32" else 0.05
        for path, found in zip(photos, lines, strict=True):
            expected = predictor.predict(path.read_bytes(), top=0)
            scores = {entry["label"]: entry["score"] for entry in found["labels"]}
            for entry in expected["labels"]:
                assert abs(scores[entry["label"]] - entry["score"]) <= allowed, path.name
    assert "golden samples" in run(program, "--selftest").stdout
    readme = (folder / "README.md").read_text()
    assert f"program/{NAME} --selftest" in readme
    assert "Not verified: the program was built for" in readme


@pytest.mark.slow
def test_what_is_wrong_with_a_file_is_said_and_the_others_are_answered(deployable, tmp_path):
    _, program = deployed(deployable, "float32", tmp_path)
    (tmp_path / "empty.jpg").write_bytes(b"")
    photo = next(samples.photos(tmp_path))

    done = run(program, tmp_path / "empty.jpg", photo, tmp_path / "missing.png")

    first, second, third = (json.loads(line) for line in done.stdout.splitlines())
    assert done.returncode
    assert "empty" in first["problem"]
    assert second["labels"]
    assert "cannot be read" in third["problem"]
    assert run(program).returncode == 1


@pytest.mark.slow
def test_a_program_for_sounds_reads_wav(hearing, tmp_path):
    folder, program = deployed(hearing, "float32", tmp_path)
    sounds = [path for path in samples.sounds(tmp_path) if path.suffix == ".wav"]
    readable = [path for path in sounds if "ULAW" not in path.name]

    lines = [json.loads(line) for line in run(program, "--top", "0", *sounds).stdout.splitlines()]

    answers = dict(zip(sounds, lines, strict=True))
    with Predictor.open(folder) as predictor:
        for path in readable:
            expected = predictor.predict(path.read_bytes(), top=0)["labels"][0]
            assert answers[path]["labels"][0]["label"] == expected["label"]
            assert abs(answers[path]["labels"][0]["score"] - expected["score"]) <= CLOSE
    for refused in set(sounds) - set(readable):
        assert "kind of WAV" in answers[refused]["problem"]


def test_a_network_that_answers_boxes_is_refused_before_anything_is_compiled(detecting):
    with pytest.raises(ConfigError, match="boxes are not compiled into a program"):
        detecting.deploy("executable", ladder=("float32",))
