"""`aiwf plan` says what more minutes would buy: the smallest step that has something new."""

import pytest

from stages.config import TrainConfig
from stages.runtime.errors import BudgetTooSmall
from stages.train.cost.next_step import next_step
from stages.train.heads.head_search import Heads

LITE0 = ("efficientnet_lite0",)
LITE0_AND_1 = (*LITE0, "efficientnet_lite1")


def plan(minutes: float, families: tuple[str, ...] = LITE0, samples: int = 600) -> TrainConfig:
    train = TrainConfig(families=families, budget_minutes=minutes)
    return Heads().resolve(train, samples, 0, 1.0)


def test_a_further_family_comes_first():
    def larger(minutes: float) -> TrainConfig:
        return plan(minutes, LITE0_AND_1 if minutes >= 5 else LITE0)

    assert next_step(larger(4), larger) == (
        "with train.budget_minutes=5 also heads on efficientnet_lite1@256"
    )


def test_then_what_can_be_fine_tuned():
    assert next_step(plan(2), plan).endswith("also fine-tuning of efficientnet_lite0@224")


@pytest.mark.parametrize("minutes", [3, 5, 8, 12, 20])
def test_the_step_that_is_named_is_one_that_the_plan_takes(minutes: float):
    step = next_step(plan(minutes), plan)

    larger = plan(float(step.split("=")[1].split()[0]))
    assert larger.finetune != plan(minutes).finetune


def test_nothing_is_said_where_nothing_more_can_be_bought():
    most = plan(20_000)

    assert next_step(most, plan) == ""


def test_a_budget_that_cannot_be_planned_is_passed_over():
    def fails(minutes: float) -> TrainConfig:
        if minutes < 5:
            raise BudgetTooSmall("too small", "more")
        return plan(minutes)

    assert next_step(plan(2.5), fails).startswith("with train.budget_minutes=5 ")


def test_further_trials_are_said_where_fine_tuning_stays_the_same():
    fewer = plan(8).model_copy(update={"trials": 20})

    assert next_step(fewer, lambda minutes: plan(8)).endswith("also 12 more trials")


def test_no_minutes_have_no_next_step():
    planned = plan(4)

    assert next_step(planned.model_copy(update={"budget_minutes": 0}), plan) == ""
