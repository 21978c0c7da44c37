"""Labels and names that do something where they are printed, through the real commands."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from stages.artifacts import Dataset, Ref
from stages.opening import open_store
from stages.settings import Settings
from tests import makers

AIWF = Path(sys.executable).parent / "aiwf"
LABELS = ("=cmd|' C calc'!A0", "[red]cat\u200b", "dog\u202egpj", "<b onload=x>`a`")
ACTIVE = "\u202e\u200b"
pytestmark = pytest.mark.slow


@pytest.fixture
def pictures(tmp_path) -> Path:
    folder = tmp_path / "pictures"
    for place, label in enumerate(LABELS):
        (folder / label).mkdir(parents=True)
        for index in range(12):
            data = makers.picture(makers.LABELS[place % len(makers.LABELS)], 100 * place + index)
            (folder / label / f"{index}.png").write_bytes(data)
        (folder / label / "=1+1\u202e.png").write_bytes(b"no picture")
    return folder


def typed(workspace: Path, *arguments: str) -> str:
    done = subprocess.run(
        [AIWF, *arguments],
        env={**os.environ, "AIWF_WORKSPACE": str(workspace), "AIWF_THREADS": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def test_they_do_nothing_in_the_terminal_on_pages_and_in_tables(pictures, tmp_path):
    spec = tmp_path / "spec.json"
    config = {
        "name": "signs",
        "task": "image_classification",
        "data": "signs",
        "etl": {"max_quarantine": 0.5},
    }
    spec.write_text(json.dumps({"config": config, "run": "first"}))
    workspace = tmp_path / "workspace"

    output = typed(workspace, "data", "add", "signs", str(pictures))
    output += typed(workspace, "stage", "etl", "--spec", str(spec))

    kind, id = json.loads(
        output.splitlines()[[*map(_is_result, output.splitlines())].index(True)][7:]
    )
    store = open_store(Settings(workspace=workspace))
    dataset = store.load(Ref(kind, id))
    assert isinstance(dataset, Dataset)
    page = store.get(dataset.files["page.html"]).decode()
    table = store.get(dataset.files["quarantine.csv"]).decode()
    for sign in ACTIVE:
        assert sign not in output
        assert sign not in page
        assert sign not in table
    assert not any(row.startswith(("=", "+", "-", "@")) for row in table.splitlines())
    assert ",=" not in table
    assert "<b onload" not in page
    assert set(dataset.labels) == set(LABELS)  # the data itself is what it was


def test_names_that_command_a_terminal_are_refused_and_even_then_do_not(tmp_path):
    folder = makers.folder_of_pictures(tmp_path / "pictures", each=2)
    (folder / "circle").rename(folder / "cat\x1b[2J\x1b]0;owned\x07")

    done = subprocess.run(
        [AIWF, "data", "add", "signs", str(folder)],
        env={**os.environ, "AIWF_WORKSPACE": str(tmp_path / "workspace")},
        capture_output=True,
        text=True,
    )

    assert done.returncode == 3
    assert "Rename" in done.stderr
    assert "\x1b" not in done.stderr
    assert "\x07" not in done.stderr


def _is_result(row: str) -> bool:
    return row.startswith("RESULT ")
