"""When a student ships in its teacher's place."""

import pytest

from stages.config.distillation import Distil, Prune
from stages.train.distillation.decision import decision

METRIC = "balanced_accuracy"


@pytest.mark.parametrize(("low", "ships"), [(-0.0201, False), (-0.02, True), (0.01, True)])
def test_it_ships_if_it_surely_loses_no_more_than_is_allowed(low, ships):
    found = decision(Prune(most_lost=0.02), low, METRIC, over_limit=False, lighter=True)

    assert found.ships is ships
    assert f"{low:+.4f}" in found.why


def test_it_ships_whatever_it_loses_if_the_teacher_breaks_a_limit():
    assert decision(Distil(), -0.5, METRIC, over_limit=True, lighter=True).ships


def test_one_that_costs_no_less_does_not_ship_although_it_agrees():
    assert not decision(Distil(), 0.1, METRIC, over_limit=False, lighter=False).ships


@pytest.mark.parametrize(("ship", "ships"), [("always", True), ("never", False)])
def test_a_person_may_decide(ship, ships):
    settings = Distil(ship=ship)

    for low in (-0.5, 0.5):
        assert decision(settings, low, METRIC, over_limit=False, lighter=True).ships is ships
