"""Prints the estimates of `aiwf plan`: minutes, memory, disk, and whether there is room."""

from collections.abc import Sequence

from stages.runner.planning import StagePlan
from stages.runner.room import check_room, room_of, size, total_of
from stages.runtime.errors import InfrastructureError
from stages.settings import Settings
from stages.train.cost.estimate import Estimate


def print_plans(plans: Sequence[StagePlan], settings: Settings) -> None:
    """Print a line for each task with its estimate below, then the total."""
    for plan in plans:
        print(f"  {plan.task:<22} {plan.action:<6} {plan.why}")
        if plan.takes:
            print(f"  {'':<29} {_text(plan.takes)}")
    _print_all([plan.takes for plan in plans if plan.takes], settings)


def _print_all(takes: Sequence[Estimate], settings: Settings) -> None:
    if not takes:
        return
    room = room_of(settings)
    print(f"  {'in all':<29} {_text(total_of(takes))}", end="; ")
    print(f"free: {size(room.memory)} of memory, {size(room.disk)} of disk")
    try:
        check_room(takes, room, settings.root)
    except InfrastructureError as error:
        print(f"  A run would be refused. {error.problem}\n  {error.remedy}")


def _text(takes: Estimate) -> str:
    minutes = f"{takes.minutes:.0f}" if takes.minutes >= 10 else f"{takes.minutes:.1f}"
    return f"about {minutes} min, {size(takes.memory)} of memory, {size(takes.disk)} of disk"
