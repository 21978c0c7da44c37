"""A stage that is killed in the middle leaves nothing that the next one stumbles over."""

import subprocess
import sys
import time

import pytest

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
    words = [sys.executable, "-c", RUN]
    expected = subprocess.check_output([*words, str(tmp_path / "whole")], text=True).split()[-1]

    for delay in (0.5, 0.9, 1.3, 1.8, 2.4, 3.2):
        running = subprocess.Popen([*words, str(tmp_path / "killed")], stdout=subprocess.DEVNULL)
        time.sleep(delay)
        running.kill()
        running.wait()
    told = subprocess.check_output([*words, str(tmp_path / "killed")], text=True).split()[-1]

    assert told == expected
    assert not list((killed.settings.root / "data" / "work").glob("*/lock"))
