"""How long an arm looks for a network that keeps the limits before it gives up."""

from typing import Any

import pytest

from stages.runtime.errors import ConfigError
from stages.train.architecture import arm
from tests.train.architecture.test_arms import POINT, config, searched


@pytest.fixture
def draws(monkeypatch) -> list[Any]:
    """All sets that arms draw at random."""
    found: list[Any] = []
    drawn = arm.random_hyperparameters

    def noted(*arguments: Any) -> dict[str, Any]:
        found.append(drawn(*arguments))
        return found[-1]

    monkeypatch.setattr(arm, "random_hyperparameters", noted)
    return found


def test_an_arm_without_new_networks_gives_up_after_two_thousand_draws_and_for_good(draws):
    found = searched(config("local_search", space=POINT), rounds=6)

    assert len({each["genotype"] for each in found if each["arm"] == "local_search"}) == 1
    assert len(draws) == 2_000


def test_an_arm_gives_up_later_if_no_network_keeps_the_limits(draws, monkeypatch):
    monkeypatch.setattr(arm, "MOST_DRAWS", 3_000)  # of 20 thousand, which take seconds

    with pytest.raises(ConfigError, match="Of 3,000 random networks none keeps the limits"):
        searched(config("local_search", parameters=1), rounds=1)

    assert len(draws) == 3_000
