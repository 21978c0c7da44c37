"""The target microcontroller: what a person gets, and what its own test finds."""

import json
import shutil
import subprocess

import numpy as np
import pytest

from stages.deploy.c_source import builds
from stages.deploy.content import Content, spelled
from stages.deploy.finish import VERIFIED_PARTS
from stages.deploy.pack import unpack
from stages.deploy.packed import write_folder
from stages.deploy.targets.microcontroller import FOLDER, Microcontroller
from stages.media.golden_pictures import golden_pictures
from stages.runtime.errors import AgreementNotMet, ConfigError
from stages.runtime.predictor import Predictor
from stages.runtime.sealed import SEAL, seal
from stages.runtime.selftest import GOLDEN, expected
from tests.deploy.conftest import sealed_again
from tests.runtime.conftest import DESCRIPTION, colour_network
from tests.runtime.networks import SPOTS, spots_network

needs_compiler = pytest.mark.skipif(builds.host_compiler() is None, reason="no C compiler here")
needs_board = pytest.mark.skipif(
    not builds.can_emulate_arm(), reason="needs gcc-arm-none-eabi and qemu-system-arm (.ci/run)"
)


@pytest.fixture
def content():
    return Content("colours", DESCRIPTION, {"model.onnx": colour_network()}, golden_pictures())


@pytest.fixture
def package(content, tmp_path):
    """The finished package in a folder."""
    target = Microcontroller()
    files = target.files(content)
    write_folder(tmp_path, {**files, SEAL: seal(files)})
    with Predictor.open(tmp_path) as predictor:
        files[GOLDEN] = spelled(expected(predictor, content.golden, 1e-3))
    write_folder(tmp_path, {**files, SEAL: seal(files)})
    return tmp_path


def changed(folder, name: str, old: str, new: str) -> None:
    path = folder / FOLDER / "src" / name
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    sealed_again(folder)


@needs_compiler
def test_a_fault_in_the_c_sources_is_found(package, content):
    changed(package, "model.c", "8.0f", "7.0f")

    with pytest.raises(AgreementNotMet, match="C library answers golden samples differently"):
        Microcontroller().verify(package, content)


@needs_compiler
def test_sources_that_do_not_compile_are_found(package, content):
    changed(package, "model.c", "const float *colours_model_run", "const double *colours_model_run")

    with pytest.raises(AgreementNotMet, match="cannot compile"):
        Microcontroller().verify(package, content)


def test_without_a_compiler_it_says_that_nothing_was_verified(package, content, monkeypatch):
    monkeypatch.setenv("PATH", "")

    stated = Microcontroller().statements(package, content)

    assert len(stated) == 2
    assert all(statement.startswith("Not verified:") for statement in stated)


def test_boxes_are_refused_before_any_file_is_written():
    content = Content("spots", SPOTS, {"model.onnx": spots_network()}, golden_pictures())

    with pytest.raises(ConfigError, match="boxes"):
        Microcontroller().files(content)


def test_it_has_the_layout_of_an_arduino_library(package):
    library = package / FOLDER

    properties = dict(
        line.split("=", 1) for line in (library / "library.properties").read_text().splitlines()
    )

    assert properties["name"] == "colours"
    assert {"version", "author", "maintainer", "sentence", "paragraph", "url"} <= set(properties)
    assert {"model.h", "model.c", "steps.h", "steps.c"} <= {
        path.name for path in (library / "src").iterdir()
    }
    assert (library / "examples/colours/colours.ino").is_file()
    sources = "".join(path.read_text() for path in (library / "src").iterdir())
    assert not any(name in sources for name in ("malloc", "alloca(", "free("))


@pytest.mark.slow
@needs_compiler
@pytest.mark.parametrize("ladder", ["int8", "float32"])
def test_a_trained_model_of_pictures_is_shipped_as_c(ladder, deployable, tmp_path):
    package = deployable.deploy(target="microcontroller", ladder=(ladder,))

    folder = unpack(package, deployable.store, tmp_path / "package")

    check_shipped(folder, ladder)


@pytest.mark.slow
@needs_compiler
def test_a_trained_model_of_sounds_is_shipped_as_c(hearing, tmp_path):
    package = hearing.deploy(target="microcontroller", ladder=("float32",))

    check_shipped(unpack(package, hearing.store, tmp_path / "package"), "float32")


def check_shipped(folder, numeric: str) -> None:
    """The package in `folder` says what was verified, and `make check` succeeds in a copy."""
    stated = json.loads((folder / VERIFIED_PARTS).read_text())
    assert json.loads((folder / "package.json").read_text())["numeric"] == numeric
    for file in ("README.md", "report.html"):
        text = " ".join((folder / file).read_text().replace("&#39;", "'").split())
        assert all(statement in text for statement in stated)
    assert stated[0].startswith("Verified on this computer")
    if builds.can_emulate_arm():
        assert "bytes of flash" in stated[1]
        assert stated[2].startswith("Verified on an emulated Cortex-M3")
        assert stated[3].startswith("Not verified")
    copy = folder.with_name("library")
    shutil.copytree(folder / FOLDER, copy)
    done = subprocess.run(["make", "check"], cwd=copy, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "samples agree" in done.stdout


@pytest.mark.slow
@needs_board
@pytest.mark.parametrize("board", ["M3", "M7"])
def test_an_emulated_board_computes_what_this_computer_does(board, package, tmp_path):
    from stages.deploy.c_source import library

    machine, folder = getattr(library, board), package / FOLDER
    rng = np.random.default_rng(0)
    pictures = [rng.integers(0, 256, (9, side, 3), dtype=np.uint8) for side in (8, 31)]
    nothing = np.zeros(3, np.float32)
    samples = builds.samples_file(
        [builds.GoldenSample(builds.SAMPLE, picture, nothing) for picture in pictures], 1.0
    )
    (tmp_path / "build").mkdir()

    here = builds.run_samples(
        builds.host_build(folder, tmp_path / "build"), samples, tmp_path / "build"
    )
    there = builds.run_samples(
        builds.arm_build(folder, tmp_path / "build", machine), samples, tmp_path / "build"
    )
    size = builds.arm_footprint(folder, tmp_path / "build", machine)

    assert np.abs(here - there).max() < 1e-6
    assert 1000 < size.flash < 100_000
    assert 768 < size.ram < 20_000  # the input alone has 768 bytes


@pytest.mark.slow
@needs_compiler
@pytest.mark.parametrize("family", ["searched_image", "searched_audio"])
def test_a_searched_network_is_computed_as_onnx_runtime_does(family, tmp_path):
    import onnxruntime

    from stages.deploy.c_source.library import c_library
    from stages.models.export import export_network
    from tests.models.test_searched import EVERY, LABELS, SHAPES, trained_like
    from tests.runtime.networks import TONES

    shape = SHAPES[family]
    arrays = trained_like(EVERY, family, folds=1)
    model = export_network(family, arrays, tmp_path, ("onnx",))["graph.onnx"].read_bytes()
    windows = np.random.default_rng(2).normal(size=(3, *shape)).astype(np.float32)
    session = onnxruntime.InferenceSession(model)
    expected = session.run(None, {session.get_inputs()[0].name: windows})[0]
    steps = DESCRIPTION if family == "searched_image" else TONES
    mel = {"step": "log_mel", "args": {**TONES["before"][1]["args"], "bands": 64}}
    before = [mel if step["step"] == "log_mel" else step for step in steps["before"]]
    labels = [f"label {place}" for place in range(LABELS)]
    description = {**steps, "before": before, "labels": labels, "input_shape": list(shape)}
    samples = [
        builds.GoldenSample(builds.WINDOW, window, outputs)
        for window, outputs in zip(windows, expected, strict=True)
    ]

    write_folder(tmp_path, c_library(description, {"model.onnx": model}).files)
    command = builds.host_build(tmp_path, tmp_path, ("-Werror", "-pedantic"))
    found = builds.run_samples(command, builds.samples_file(samples, 1.0), tmp_path)

    assert np.abs(found - expected).max() < 1e-5 * np.abs(expected).max()
