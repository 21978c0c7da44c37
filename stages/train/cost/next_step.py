"""Says what more minutes would buy: the smallest larger budget whose plan has something new."""

from collections.abc import Callable

from stages.config import TrainConfig
from stages.runtime.errors import WorkflowError
from stages.train.search.search_space import inputs_of

FACTORS = (1.25, 1.5, 2.0, 3.0, 4.0, 6.0, 10.0)  # of the budget, in the order of asking


def next_step(planned: TrainConfig, plan: Callable[[float], TrainConfig]) -> str:
    """What the next step beyond `planned` would buy, and at how many minutes; empty if ten times
    the budget buy nothing. `plan`: the plan of a budget in minutes."""
    if planned.budget_minutes <= 0:
        return ""
    for factor in FACTORS:
        minutes = _readable(planned.budget_minutes * factor)
        try:
            bought = _bought(planned, plan(minutes))
        except WorkflowError:  # of a value that the plan in question does not depend on
            continue
        if bought:
            return f"with train.budget_minutes={minutes:g} also {bought}"
    return ""


def _bought(before: TrainConfig, after: TrainConfig) -> str:
    """What the plan `after` has and `before` has not; the most important thing alone."""
    planned_inputs = {model_input.name for model_input in inputs_of(before)}
    if new := [each.name for each in inputs_of(after) if each.name not in planned_inputs]:
        return f"heads on {', '.join(new)}"
    old, tuned = before.finetune, after.finetune
    if tuned.trials:
        if new := [name for name in tuned.inputs if not old.trials or name not in old.inputs]:
            return f"fine-tuning of {', '.join(new)}"
        if (further := tuned.trials - (old.trials or 0)) > 0:
            return f"{further} more fine-tuned trials"
    further = (after.trials or 0) - (before.trials or 0)
    return f"{further} more trials" if further > 0 else ""


def _readable(minutes: float) -> float:
    """`minutes` as a person would write them."""
    return round(minutes) if minutes >= 4 else round(minutes, 1)
