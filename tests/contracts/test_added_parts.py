"""Another package adds an engine by entry points: it is on the board, and packed for."""

import subprocess
import sys

import pytest

from stages.models.export import child_environment

MODULE = """
from stages.deploy.engines import Engine
from stages.runtime.backends.numpy_engine import NumpyEngine

class Backend(NumpyEngine):
    libraries = ("added",)

ENGINE = Engine("added", "numpy", "numpy", "added", ("model.npz",))
"""
ENTRY_POINTS = """
[ai_workflow.engines]
added = added_engine:ENGINE
onnxruntime = added_engine:ENGINE
[ai_workflow.backends]
added = added_engine:Backend
"""
PROGRAM = """
from stages.config import DeployConfig
from stages.deploy.engines import check_engine
from stages.deploy.sdk import sources
from stages.parts import ENGINES
from stages.runtime.backends import BACKENDS
assert ENGINES["added"].compressors == {"float16": "numpy/float16", "float32": "numpy/float32"}
assert ENGINES["onnxruntime"].backend == "onnxruntime", "none can replace one of ours"
assert list(ENGINES)[-1] == "added"
assert BACKENDS["added"].format == "numpy"
check_engine(DeployConfig(engine="added"))
assert "added" in ENGINES and "another" not in ENGINES
description = {"before": [], "after": [], "answers": "labels", "backend": "added"}
assert not [name for name in sources("sdk", description) if "backends/added" in name]
print("well")
"""


@pytest.fixture
def installed(tmp_path):
    """A folder as pip would install the package into."""
    (tmp_path / "added_engine.py").write_text(MODULE)
    record = tmp_path / "added-1.0.dist-info"
    record.mkdir()
    (record / "METADATA").write_text("Metadata-Version: 2.1\nName: added\nVersion: 1.0\n")
    (record / "entry_points.txt").write_text(ENTRY_POINTS)
    return tmp_path


def test_it_is_on_the_boards_and_replaces_none_of_ours(installed):
    environment = child_environment()
    environment["PYTHONPATH"] += f":{installed}"

    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True
    )

    assert done.stdout == "well\n", done.stderr
