"""Every family with a backbone can be exported, and answers as it does in Paddle."""

import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from stages.parts import FAMILIES

HOME = Path(__file__).parents[2]
ELSEWHERE = {"efficientnet_lite0", "efficientnet_lite1", "efficientnet_lite2", "yamnet"}
# a network without parameters has no file of them: test_logmel_segments.py
NAMES = [
    name
    for name in FAMILIES
    if FAMILIES[name].features and FAMILIES[name].parameters and name not in ELSEWHERE
]
SISTERS = ["mobilenet_v3_large", "shufflenet_v2", "resnet50", "inception_v3"]  # or slow


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """For some names those that were exported before the first that was not, and why it was not."""
    folder = tmp_path_factory.mktemp("exported")

    @cache
    def output_lines(names: tuple[str, ...]) -> str:
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-m", "tests.models.exporting", folder, *names],
            cwd=HOME, capture_output=True, text=True,
        )  # fmt: skip
        return done.stdout + done.stderr[-2000:]

    return output_lines


@pytest.mark.parametrize("name", [name for name in NAMES if name not in SISTERS])
def test_its_onnx_file_answers_as_paddle_does(name: str, exported):
    output = exported(tuple(name for name in NAMES if name not in SISTERS))

    assert name in output.splitlines(), output


@pytest.mark.slow
@pytest.mark.parametrize("name", SISTERS)
def test_so_does_that_of_its_larger_sister(name: str, exported):
    output = exported(tuple(SISTERS))

    assert name in output.splitlines(), output
