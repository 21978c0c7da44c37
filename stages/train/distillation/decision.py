"""Decides whether a student ships in its teacher's place."""

from typing import NamedTuple

from stages.config.distillation import Distillation

NO_LIGHTER = "it is no lighter than its teacher"


class Decision(NamedTuple):
    """Whether a student ships, and why."""

    ships: bool
    why: str


def decision(
    settings: Distillation, low: float, metric: str, *, over_limit: bool, lighter: bool
) -> Decision:
    """Whether a student with these `settings` ships, and why. `low`: the lower end of the paired
    difference from its teacher in `metric`; `over_limit`: whether the teacher breaks a limit of the
    device; `lighter`: whether the student costs less."""
    if settings.ship != "agreeing":
        return Decision(settings.may_ship, f"ship is set to {settings.ship}")
    if over_limit:
        return Decision(True, "the teacher breaks a limit of train.device")
    if not lighter:
        return Decision(False, NO_LIGHTER)
    least = f"at worst {low:+.4f} in {metric}, {-settings.most_lost:+.4f} is allowed"
    return Decision(low >= -settings.most_lost, least)
