"""The runtime needs nothing of the house above it, and little of the world."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from stages import runtime
from stages.deploy import sdk
from stages.runtime.backends import BACKENDS
from tests.runtime.conftest import DESCRIPTION
from tests.runtime.networks import SPOTS, TONES

HOME = Path(runtime.__path__[0])
NATIVE = HOME / "native"  # in C; its folders are packages only so that they are installed
SOURCES = sorted(path for path in HOME.rglob("*.py") if NATIVE not in path.parents)
LOADED = """
import importlib, sys
before = set(sys.modules)
for name in sys.argv[1:]:
    importlib.import_module(name)
print(*{name.partition(".")[0] for name in set(sys.modules) - before})
"""


def test_it_loads_numpy_and_the_standard_library_only():
    names = [
        ".".join(["stages.runtime", *path.relative_to(HOME).with_suffix("").parts])
        for path in SOURCES
        if path.name != "__init__.py"
    ]

    result = subprocess.run(
        [sys.executable, "-c", LOADED, *names], check=True, capture_output=True, text=True
    )

    outside = set(result.stdout.split()) - set(sys.stdlib_module_names) - {"numpy", "stages"}
    assert not {name for name in outside if not name.startswith("_")}


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_it_imports_itself_relatively(path):
    tree = ast.parse(path.read_text("utf-8"))

    absolute = [
        node.module if isinstance(node, ast.ImportFrom) else node.names[0].name
        for node in ast.walk(tree)
        if isinstance(node, ast.Import) or (isinstance(node, ast.ImportFrom) and not node.level)
    ]

    assert not [name for name in absolute if name and name.startswith("stages")]


def packed(description, serves=False):
    return set(sdk.sources("", description, serves))


def test_a_package_carries_what_it_needs_and_nothing_else():
    colours, spots, tones = packed(DESCRIPTION), packed(SPOTS), packed(TONES)

    assert {"/__init__.py", "/__main__.py", "/pictures.py", "/backends/onnxruntime.py"} <= colours
    assert not colours & {"/boxes.py", "/drawing.py", "/sounds.py", "/server.py"}
    assert {"/boxes.py", "/drawing.py", "/answers/box_answers.py", "/pictures.py"} <= spots
    assert {"/sounds.py", "/windows.py", "/spectrograms.py"} <= tones
    assert "/pictures.py" not in tones
    assert {"/server.py", "/limits.py"} <= packed(TONES, serves=True)


def test_everything_it_consists_of_is_packed_somewhere():
    native = {**DESCRIPTION, "backend": "paddle", "after": TONES["after"]}
    engines = [{**DESCRIPTION, "backend": name} for name in BACKENDS]
    mfcc = {**TONES, "before": [{"step": name} for name in ("mfcc", "as_picture")]}
    priors = {**SPOTS, "after": [{"step": "decode_priors"}]}
    chain = {**SPOTS, "answers": "classified_boxes", "classify": {"classifier": DESCRIPTION}}
    rejects = {**DESCRIPTION, "after": [{"step": "reject"}]}
    everything = (DESCRIPTION, SPOTS, TONES, native, *engines, mfcc, priors, rejects, chain)
    somewhere = [packed(modules, True) for modules in everything]

    assert set().union(*somewhere) == {f"/{path.relative_to(HOME).as_posix()}" for path in SOURCES}
