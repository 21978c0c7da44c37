"""A server that is killed in the middle of labelling loses no acknowledged label."""

import pytest

from tests.studio.kills import killed_servers, workspace

KILLS = 8  # `python -m tests.studio.kills --kills 200` takes some minutes


@pytest.mark.chaos
def test_no_acknowledged_label_is_lost_and_undo_works_after_each_kill(tmp_path):
    labels = killed_servers(workspace(tmp_path), KILLS)

    assert labels > KILLS
