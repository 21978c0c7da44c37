"""After a kill in the first seconds of a fresh workspace, the same command succeeds."""

import pytest

from tests.chaos.first_seconds import rounds

pytestmark = pytest.mark.chaos


@pytest.mark.parametrize("name", ["stage etl", "data add", "via airflow"])
def test_the_same_command_succeeds_after_a_kill_in_its_first_seconds(name, tmp_path):
    kills = rounds(tmp_path, 2, seed=11, report=print, names=[name])

    assert [kill.code for kill in kills] == [0, 0]
