"""A course of phase two is kept while somebody may go on from there, and forgotten then."""

import pytest

from stages.opening import open_store
from stages.train.distributed.checkpoints import Kept
from stages.train.finetune.lease import HOME, hold
from tests import makers

HOUR, OVER = 3600.0, -1.0  # seconds


@pytest.fixture
def settings(tmp_path):
    return makers.settings(tmp_path)


def course(name: str, settings) -> Kept:
    """One of a single report."""
    kept = Kept(open_store(settings).blobs, name)
    kept.report({"epoch": 1}, settings.root / "saved", None)
    return kept


def test_one_whose_model_was_just_saved_is_not_forgotten_by_another_search(settings):
    first = course("first", settings)
    hold("first", HOUR, settings)

    hold("second", HOUR, settings)

    assert first.read() == first.state


def test_one_whose_time_is_over_is_forgotten_by_the_next_search(settings):
    second = course("second", settings)
    course("first", settings)
    hold("second", HOUR, settings)
    hold("first", OVER, settings)

    hold("second", HOUR, settings)

    blobs = open_store(settings).blobs
    assert list(blobs.keys("teams/first/")) == []
    assert list(blobs.keys(HOME)) == [f"{HOME}second"]
    assert second.read() == second.state


def test_one_that_is_gone_on_with_at_last_is_kept(settings):
    first = course("first", settings)
    open_store(settings).blobs.put(f"{HOME}first", b"0")

    hold("first", HOUR, settings)

    assert first.read() == first.state
