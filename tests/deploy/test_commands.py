"""aiwf predict and aiwf serve."""

import json
import os
import re
import signal
import subprocess
import sys

import httpx
import pytest

from stages.deploy.pack import unpack, zipped
from tests import makers

AIWF = [sys.executable, "-c", "from stages.cli import main; main()"]


@pytest.fixture
def folder(deployable, package, tmp_path):
    return unpack(package, deployable.store, tmp_path / "my pack")


@pytest.fixture
def photo(tmp_path):
    path = tmp_path / "--ein 'Foto'.png"
    path.write_bytes(makers.picture("triangle", 3))
    return path


def typed(tmp_path, *arguments, columns="200"):
    env = {**os.environ, "AIWF_WORKSPACE": str(tmp_path / "workspace"), "COLUMNS": columns}
    return subprocess.run([*AIWF, *map(str, arguments)], env=env, capture_output=True, text=True)


def test_predict_tells_people_a_table(folder, photo, tmp_path):
    result = typed(tmp_path, "predict", folder, photo)

    assert result.returncode == 0
    assert re.search(r"Foto'\.png\s+triangle\s+\d+\.\d%", result.stdout)


@pytest.mark.parametrize("arguments", [(), ("--json",)], ids=["table", "json"])
@pytest.mark.parametrize("whole", [True, False], ids=["a photo", "none"])
def test_a_name_of_a_file_cannot_command_the_terminal(folder, tmp_path, arguments, whole):
    path = tmp_path / "a\x1b]0;owned\x07[red]\u202egpj\n.png"
    path.write_bytes(makers.picture("triangle", 3) if whole else b"none")

    result = typed(tmp_path, "predict", folder, path, *arguments)

    assert result.returncode == (0 if whole else 3), result.stderr
    assert "[red]" in result.stdout
    for sign in "\x1b\x07\u202e":
        assert sign not in result.stdout + result.stderr
    if arguments:
        [answer] = [json.loads(line) for line in result.stdout.splitlines()]
        assert answer["file"] == str(path)


def test_predict_never_cuts_a_name(folder, photo, tmp_path):
    result = typed(tmp_path, "predict", folder, photo, columns="60")

    shown = "".join(line[:30].strip() for line in result.stdout.splitlines())
    assert "…" not in result.stdout
    assert shown.endswith("Foto'.png")


def test_predict_tells_programs_a_line_for_each_file(deployable, package, photo, tmp_path):
    archive = zipped(package, deployable.store, tmp_path / "pack.zip")
    bad = tmp_path / "bad.png"
    bad.write_bytes(makers.picture()[:200])

    result = typed(tmp_path, "predict", archive, bad, photo, "--json", "--top", "1")

    first, second = map(json.loads, result.stdout.splitlines())
    assert result.returncode == 3
    assert "cannot be decoded" in first["problem"]
    assert [answer["label"] for answer in second["labels"]] == ["triangle"]


def test_predict_refuses_a_changed_package(folder, photo, tmp_path):
    data = bytearray((folder / "model.onnx").read_bytes())
    data[1000] ^= 1
    (folder / "model.onnx").write_bytes(data)

    result = typed(tmp_path, "predict", folder, photo)

    assert result.returncode == 7
    assert "model.onnx in the package is not what was packed" in result.stderr
    assert "Traceback" not in result.stderr


def test_predict_tells_boxes_in_rows_and_draws_them(detecting, tmp_path):
    package = detecting.deploy(max_drop=0.05)
    folder = unpack(package, detecting.store, tmp_path / "boxes")
    full, empty = tmp_path / "full.png", tmp_path / "empty.png"
    full.write_bytes(makers.scene(1)[0])
    empty.write_bytes(makers.scene(7)[0])

    result = typed(tmp_path, "predict", folder, full, empty, "--draw", tmp_path / "drawn")

    assert result.returncode == 0, result.stderr
    assert re.search(
        r"full\.png\s+(circle|square|triangle)\s+\d+\.\d%\s+(yes|no)(\s+\d+){4}", result.stdout
    )
    assert re.search(r"empty\.png\s+no boxes", result.stdout)
    assert {path.name for path in (tmp_path / "drawn").iterdir()} == {"full.jpg", "empty.jpg"}


def test_predict_says_what_cannot_be_drawn(folder, photo, tmp_path):
    result = typed(tmp_path, "predict", folder, photo, "--draw", tmp_path / "out.jpg")

    assert result.returncode == 2
    assert "cannot be drawn" in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.service
def test_serve_answers_on_loopback(deployable, folder, photo, tmp_path):
    arguments = [*AIWF, "serve", str(folder), "--port", "0"]
    with subprocess.Popen(arguments, stderr=subprocess.PIPE, text=True) as server:
        try:
            place = re.search(r"http://127\.0\.0\.1:\d+", server.stderr.readline()).group()
            result = httpx.post(f"{place}/predict", files={"files": photo.read_bytes()}, timeout=20)
        finally:
            server.send_signal(signal.SIGINT)
            ended = server.wait(20)

    assert result.json()["predictions"][0]["labels"][0]["label"] == "triangle"
    assert ended in (0, 130, -signal.SIGINT)
