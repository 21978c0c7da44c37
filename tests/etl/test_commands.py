"""aiwf data, as a person types it."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests import makers


@pytest.fixture
def aiwf(tmp_path):
    """Run aiwf with these message in a workspace of its own."""

    def run(*command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(Path(sys.executable).parent / "aiwf"), *command],
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
    revision = next(text for text in first.stdout.split() if text.endswith(".dir"))
    assert revision in aiwf("data", "show", "shapes").stdout


def test_a_mistake_is_told_in_words_with_its_exit_code(aiwf, tmp_path):
    (tmp_path / "empty").mkdir()

    wrong = [aiwf("data", "add", "x", "nowhere"), aiwf("data", "show", "x")]
    empty = aiwf("data", "add", "x", "empty")

    assert [process.returncode for process in (*wrong, empty)] == [2, 2, 3]
    assert "There is no " in wrong[0].stderr
    assert "aiwf data add x" in wrong[1].stderr
    assert "no labelled samples" in empty.stderr
    assert not any("Traceback" in process.stderr for process in (*wrong, empty))


def test_a_name_that_is_none_is_a_mistake_of_config(aiwf, tmp_path):
    makers.folder_of_pictures(tmp_path / "shapes", 3)

    runs = [aiwf("data", "add", name, "shapes") for name in ("../x", "l" * 300)]

    assert [run.returncode for run in runs] == [2, 2]
    assert all("cannot be a name of data" in run.stderr for run in runs)


def test_a_zip_is_called_by_its_name_in_what_is_wrong_with_it(aiwf, tmp_path):
    with zipfile.ZipFile(tmp_path / "outer.zip", "w") as outer:
        outer.writestr("inner.zip", b"")

    result = aiwf("data", "add", "shapes", "outer.zip")

    assert (result.returncode, "labelled samples in outer.zip" in result.stderr) == (3, True)


def test_a_link_to_nothing_is_told(aiwf, tmp_path):
    makers.folder_of_pictures(tmp_path / "shapes", 3)
    (tmp_path / "shapes" / "circle" / "gone.png").symlink_to("nowhere.png")

    result = aiwf("data", "add", "shapes", "shapes")

    assert result.returncode == 0
    assert "left out: 1 file: links to nothing: 'circle/gone.png to" in result.stdout
