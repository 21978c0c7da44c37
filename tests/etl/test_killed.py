"""A stage that is killed in the middle leaves nothing that the next one stumbles over."""

import os
import subprocess
import sys
import time

import pytest

from stages.etl.workspace import workspace
from tests import makers
from tests.etl.conftest import Workshop

RUN = """
import sys
from pathlib import Path
from stages.opening import open_store
from tests.etl.conftest import Workshop
shop = Workshop(Path(sys.argv[1]))
shop.store = open_store(shop.settings)
print(shop.etl(augmentations=["noise"]).ref.id)
"""


@pytest.mark.chaos
def test_killed_at_any_moment_the_same_command_ends_with_the_same_id(tmp_path):
    whole, killed = Workshop(tmp_path / "whole"), Workshop(tmp_path / "killed")
    for shop in (whole, killed):
        shop.shapes(40)
        shop.add()
    command = [sys.executable, "-c", RUN]
    expected = subprocess.check_output([*command, str(tmp_path / "whole")], text=True).split()[-1]

    for delay in (0.5, 0.9, 1.3, 1.8, 2.4, 3.2):
        running = subprocess.Popen([*command, str(tmp_path / "killed")], stdout=subprocess.DEVNULL)
        time.sleep(delay)
        running.kill()
        running.wait()
    dataset_id = subprocess.check_output([*command, str(tmp_path / "killed")], text=True).split()[
        -1
    ]

    assert dataset_id == expected
    assert not list((killed.settings.root / "data" / "work").glob("*/lock"))


def test_workspaces_of_whoever_was_killed_go_at_any_stage_and_those_in_use_stay(tmp_path):
    settings = makers.settings(tmp_path)
    home = settings.root / "data" / "work"
    with workspace(settings) as used:
        for name in ("whole", "without"):
            (home / name / ".dvc").mkdir(parents=True)
        (home / "whole" / "lock").touch()  # locked by nobody
        (home / "without.lock").touch()  # killed before it came into its folder
        (home / "alone.lock").touch()
        (home / "young" / ".dvc").mkdir(parents=True)
        for name in ("without", "without.lock", "alone.lock"):
            os.utime(home / name, (0, 0))

        with workspace(settings) as other:
            names = {path.name for path in home.iterdir() if path.is_dir()}

    assert names == {used.name, other.name, "young"}
    assert not {path.name for path in home.iterdir()} & {"without.lock", "alone.lock"}
