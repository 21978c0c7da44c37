"""What a package carries of the C library, and that it has all that a package may need."""

import re
import subprocess

import pytest

from stages.deploy.compressors.ncnn_files import CONSTANT, WEIGHTED, WITHOUT
from stages.deploy.native_sources import native_readme, native_sources
from stages.deploy.pack import unpack
from stages.runtime.answers import KINDS
from stages.runtime.description import CHAINED
from stages.runtime.steps import STEPS
from tests.deploy.native_sdk.building import (
    SOURCES,
    WARNINGS,
    Built,
    build,
    built,
    needs_tools,
    onnxruntime,
)

pytestmark = pytest.mark.filterwarnings("error")


def test_the_c_library_has_every_step_and_kind_of_answer():
    table = (SOURCES / "src" / "steps.c").read_text("utf-8")
    assert set(re.findall(r'^    \{"(\w+)"', table, re.MULTILINE)) == set(STEPS)
    package = (SOURCES / "src" / "package.c").read_text("utf-8")
    assert all(f'"{kind}"' in package for kind in set(KINDS) - {CHAINED})


class Named:
    """As much of a Content as matters here."""

    def __init__(self, backend, **description):
        self.backend, self.description = backend, description


@pytest.mark.parametrize(("backend", "carried"), [("onnxruntime", True), ("numpy", False)])
def test_sources_are_carried_if_there_is_a_plugin_for_the_engine(backend, carried):
    files = native_sources(Named(backend))
    assert bool(files) == carried
    assert not any(name.endswith(".py") for name in files)
    if carried:
        assert {"native/include/aiwf.h", f"native/engines/{backend}.c"} <= set(files)


def test_all_that_cmake_names_is_carried_and_nothing_of_other_targets():
    files = native_sources(Named("onnxruntime"))
    for text in (files["native/CMakeLists.txt"], files["native/cmake/ncnn.cmake"]):
        named = re.findall(r"(?:src|engines|programs)/\w+\.[ch]", text.decode())
        assert {f"native/{name}" for name in named} <= set(files)
    unsupported = ("native/java/", "native/swift/", "native/dotnet/", "native/engines/compiled.c")
    unsupported += (
        "native/programs/embedded",
        "native/programs/executable",
        "native/programs/decode_",
    )
    assert not [name for name in files if name.startswith(unsupported)]


def test_ncnn_is_built_with_every_layer_that_its_networks_may_have():
    text = (SOURCES / "cmake" / "ncnn.cmake").read_text("utf-8")
    (wanted,) = re.findall(r"set\(wanted\s([^)]*)\)", text)
    assert {kind.lower() for kind in (*WEIGHTED, *WITHOUT, CONSTANT)} <= set(wanted.split())


def test_a_chain_of_networks_carries_no_c_library():
    content = Named("onnxruntime", classify={})
    assert native_sources(content) == {}
    assert native_readme(content) == ""


def test_every_internal_function_has_a_name_for_the_linker():
    """The slow test asks the linker; this one needs no compiler."""
    names = (SOURCES / "src" / "names.h").read_text("utf-8")
    renamed = dict(re.findall(r"^#define (\w+) (\w+)$", names, re.MULTILINE))
    assert all(value == f"aiwf_{name}" for name, value in renamed.items())
    headers = [path for path in (SOURCES / "src").glob("*.h") if path.name != "names.h"]
    texts = [path.read_text("utf-8") for path in headers]
    declared = {
        name for text in texts for name in re.findall(r"^\w[\w *]*?(\w+)\([^()]*\)", text, re.M)
    }
    assert {"fail", "softmax"} <= declared - {"typedef"}
    assert declared - set(renamed) == set()


@pytest.mark.slow
@needs_tools
def test_a_static_library_has_no_names_that_a_program_may_have_and_finds_its_plugin(
    deployable, tmp_path, monkeypatch
):
    package = deployable.deploy(ladder=("float32",))
    folder = unpack(package, deployable.store, tmp_path / "package")
    program = built(WARNINGS, "-DBUILD_SHARED_LIBS=OFF")
    listed = subprocess.run(
        ["nm", "--defined-only", "--extern-only", program.folder / "libaiwf.a"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    symbols = [line.split()[-1] for line in listed.stdout.splitlines() if len(line.split()) == 3]
    assert len(symbols) > 100
    assert [name for name in symbols if not name.startswith("aiwf_")] == []

    # started by its name, the program is in PATH; a plug-in in the current folder is not taken
    (tmp_path / "libaiwf_engine_onnxruntime.so").write_bytes(b"no library")
    monkeypatch.setenv("PATH", str(program.folder), prepend=":")
    command = ["aiwf_predict", "--library", onnxruntime(), "--selftest", folder]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
@needs_tools
def test_the_packed_sources_build_and_answer(deployable, tmp_path):
    package = deployable.deploy(ladder=("float32",))
    folder = unpack(package, deployable.store, tmp_path / "package")
    program = Built(build(tmp_path / "build", "", (), folder / "native"))
    assert program.run("--selftest", folder).returncode == 0
    assert "## As a C library" in (folder / "README.md").read_text("utf-8")
