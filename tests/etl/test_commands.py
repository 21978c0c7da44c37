"""aiwf data, as a person types it."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests import makers


@pytest.fixture
def aiwf(tmp_path):
    """Run aiwf with these words in a workspace of its own."""

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(Path(sys.executable).parent / "aiwf"), *words],
            env={"AIWF_WORKSPACE": str(tmp_path / "workspace"), "HOME": str(tmp_path),
                 "PATH": "/usr/bin:/bin"},
            cwd=tmp_path, capture_output=True, text=True, check=False,
        )  # fmt: skip

    return run


def test_data_is_added_listed_and_shown(aiwf, tmp_path):
    makers.folder_of_pictures(tmp_path / "my shapes", 3)

    first = aiwf("data", "add", "shapes", "my shapes", "--note", "from the market")
    again = aiwf("data", "add", "shapes", "my shapes")

    assert "9 samples" in first.stdout
    assert ", new" in first.stdout
    assert "known before" in again.stdout
    assert "shapes" in aiwf("data", "list").stdout
    revision = next(word for word in first.stdout.split() if word.endswith(".dir"))
    assert revision in aiwf("data", "show", "shapes").stdout


def test_a_mistake_is_told_in_words_with_its_exit_code(aiwf, tmp_path):
    (tmp_path / "empty").mkdir()

    wrong = [aiwf("data", "add", "x", "nowhere"), aiwf("data", "show", "x")]
    empty = aiwf("data", "add", "x", "empty")

    assert [one.returncode for one in (*wrong, empty)] == [2, 2, 3]
    assert "There is no " in wrong[0].stderr
    assert "aiwf data add x" in wrong[1].stderr
    assert "no labelled samples" in empty.stderr
    assert not any("Traceback" in one.stderr for one in (*wrong, empty))
