"""Twenty thousand hostile inputs: none gets a traceback, hangs, or takes too much memory."""

import pytest

from tests.chaos.fuzz.__main__ import fuzz, shares
from tests.chaos.fuzz.worker import KINDS

pytestmark = pytest.mark.chaos

COUNT = 20_000


@pytest.mark.parametrize("kind", list(KINDS))
def test_hostile_inputs_are_answered_or_refused_in_plain_words(kind):
    count = shares(COUNT, list(KINDS))[kind]

    tally = fuzz(kind, seed=0, count=count)

    assert tally.faults == []
    assert tally.inputs == count
