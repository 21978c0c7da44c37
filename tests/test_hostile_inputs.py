"""A small fixed set of the hostile inputs of tests/chaos/fuzz, in this process: none ends in a bare
error. The whole set is `python -m tests.chaos.fuzz 20000`."""

import pytest

from tests.chaos.fuzz.worker import KINDS, drawn, outcome

COUNT = 40


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", ["YAML", "annotated folders", "zips", "pictures", "sounds"])
def test_hostile_inputs_are_answered_or_refused_in_plain_words(kind):
    outcomes = [outcome(KINDS[kind].feed, drawn(kind, 1, number)) for number in range(COUNT)]

    assert [message for came, message in outcomes if came == "traceback"] == []
    assert {came for came, _ in outcomes} <= {"answered", "refused"}
