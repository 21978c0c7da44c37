"""The plug-in for ncnn in C answers as the package's Python code, which runs ncnn's wheel."""

import shutil

import pytest

from stages.deploy.engines import missing_libraries
from stages.deploy.pack import unpack
from stages.parts import ENGINES
from tests.deploy.conftest import sealed_again
from tests.deploy.native_sdk import samples
from tests.deploy.native_sdk.building import SANITIZERS, WARNINGS, arm64, built, needs_tools, plugin
from tests.deploy.native_sdk.test_native_sdk import compared

MISSING = " and ".join(missing_libraries(ENGINES["ncnn"]))
pytestmark = [
    pytest.mark.slow,
    needs_tools,
    pytest.mark.skipif(bool(MISSING), reason=f"needs {MISSING}"),
]
ENGINE_FAILED = 6


@pytest.fixture(scope="module")
def program():
    return built(WARNINGS, *plugin("ncnn"))


@pytest.fixture(scope="module")
def packed(program, request, tmp_path_factory):
    """The unpacked package of a kind of model in a number format."""

    def make(kind, numeric):
        deployable = request.getfixturevalue(kind)
        package = deployable.deploy(engine="ncnn", ladder=(numeric,))
        return unpack(package, deployable.store, tmp_path_factory.mktemp(kind) / "package")

    return make


@pytest.mark.parametrize("numeric", ["float32", "float16", "int8"])
def test_pictures_are_answered_as_by_python(numeric, packed, program, tmp_path):
    folder, photos = packed("deployable", numeric), list(samples.photos(tmp_path, rounds=1))

    compared(folder, photos, program.answers(folder, photos))

    done = program.run("--selftest", folder)
    assert done.returncode == 0, done.stderr
    assert "golden samples keep their answer" in done.stdout


@pytest.mark.parametrize("numeric", ["float32", "int8"])
def test_windows_of_sounds_are_answered_as_by_python(numeric, packed, program, tmp_path):
    folder, sounds = packed("hearing", numeric), list(samples.sounds(tmp_path))

    compared(folder, sounds, program.answers(folder, sounds))


def test_a_detector_passes_its_selftest(packed, program):
    done = program.run("--selftest", packed("detecting", "float32"))
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", ["model.bin", "model.param"])
def test_a_network_that_ends_early_is_refused(name, packed, monkeypatch, tmp_path):
    monkeypatch.setenv("ASAN_OPTIONS", "detect_leaks=0")
    folder = shutil.copytree(packed("deployable", "float32"), tmp_path / "package")
    linked = "-DCMAKE_MODULE_LINKER_FLAGS=-fsanitize=address,undefined"
    sanitized = built(SANITIZERS, linked, *plugin("ncnn"))
    assert sanitized.run("--selftest", folder).returncode == 0

    data = (folder / name).read_bytes()
    (folder / name).write_bytes(data[: len(data) // 2])
    sealed_again(folder)
    done = sanitized.run("--selftest", folder)

    assert done.returncode == ENGINE_FAILED, done.stderr[-2000:]
    assert "ncnn cannot load model.param: it is damaged" in done.stderr


@pytest.mark.parametrize("numeric", ["float32", "int8"])
def test_an_emulated_arm64_board_answers_as_this_machine(numeric, packed, tmp_path):
    board = arm64(*plugin("ncnn", on_board=True))
    if board is None:
        pytest.skip("no arm64 root with decoders (AIWF_ARM64), or no cross compiler here")
    folder, photos = packed("deployable", numeric), list(samples.photos(tmp_path))[:8]

    compared(folder, photos, board.answers(folder, photos, "--untested"))
    assert board.run("--selftest", folder).returncode == 0
