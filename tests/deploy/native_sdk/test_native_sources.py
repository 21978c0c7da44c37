"""What a package carries of the C library, and that it has all that a package may need."""

import re

import pytest

from stages.deploy.native_sources import native_sources
from stages.runtime.answers import KINDS
from stages.runtime.steps import STEPS
from tests.deploy.native_sdk.building import SOURCES, build, needs_tools

pytestmark = pytest.mark.filterwarnings("error")


def test_the_c_library_has_every_step_and_kind_of_answer():
    table = (SOURCES / "src" / "steps.c").read_text("utf-8")
    assert set(re.findall(r'^    \{"(\w+)"', table, re.MULTILINE)) == set(STEPS)
    package = (SOURCES / "src" / "package.c").read_text("utf-8")
    assert all(f'"{kind}"' in package for kind in KINDS)


class Named:
    """As much of a Content as matters here."""

    def __init__(self, backend):
        self.backend = backend


@pytest.mark.parametrize(("backend", "carried"), [("onnxruntime", True), ("numpy", False)])
def test_sources_are_carried_if_there_is_a_plugin_for_the_engine(backend, carried):
    files = native_sources(Named(backend))
    assert bool(files) == carried
    assert not any(name.endswith(".py") for name in files)
    if carried:
        assert {"native/include/aiwf.h", f"native/engines/{backend}.c"} <= set(files)


@pytest.mark.slow
@needs_tools
def test_the_packed_sources_build_and_answer(deployable, tmp_path):
    package = deployable.deploy(ladder=("float32",))
    files = {name: deployable.store.get(digest) for name, digest in package.files.items()}
    for name, data in files.items():
        path = tmp_path / "package" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    sources = tmp_path / "package" / "native"
    folder = build(tmp_path / "build", "", (), sources)
    assert (folder / "aiwf_predict").is_file()
    assert b"## As a C library" in files["README.md"]
