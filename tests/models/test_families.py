"""Every family with a trunk can be exported, and answers as it does in Paddle."""

import subprocess
import sys
from pathlib import Path

import pytest

from stages.parts import FAMILIES

HOME = Path(__file__).parents[2]
ELSEWHERE = {"efficientnet_lite0", "efficientnet_lite1", "efficientnet_lite2", "yamnet"}
NAMES = [name for name in FAMILIES if FAMILIES[name].features and name not in ELSEWHERE]


@pytest.fixture(scope="module")
def exported(tmp_path_factory) -> str:
    """The names of those that were exported before the first that was not, and why it was not."""
    folder = tmp_path_factory.mktemp("exported")
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "tests.models.exporting", folder, *NAMES],
        cwd=HOME, capture_output=True, text=True,
    )  # fmt: skip
    return done.stdout + done.stderr[-2000:]


@pytest.mark.parametrize("name", NAMES)
def test_its_onnx_file_answers_as_paddle_does(name: str, exported: str):
    assert name in exported.splitlines(), exported
