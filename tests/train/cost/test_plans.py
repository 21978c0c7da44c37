"""Plans and estimates of many pipelines stay as they are: equal arguments give equal plans.

`plans.json` has the numbers of each pipeline here, to nine digits. Whoever changes a plan or a
measured constant on purpose writes the table again, with `python -m tests.train.cost.test_plans`,
reads what changed, and says so in the notes of the release."""

from pathlib import Path
from typing import Any, NamedTuple

import pytest

from stages.config import TrainConfig
from stages.resources import Resources
from stages.runtime.errors import WorkflowError
from stages.train.cost.distillation_budget import student_costs
from stages.train.cost.finetune_budget import tunable, with_leaders
from stages.train.cost.next_step import next_step
from stages.train.detection import Detectors
from stages.train.heads.head_search import Heads
from tests.train.recorded import record, recorded

TABLE = Path(__file__).with_name("plans.json")
LITES = ("efficientnet_lite0", "efficientnet_lite1", "efficientnet_lite2")
BOXES = ("lite_detector", "mobile_ssd")


class Plan(NamedTuple):
    """A pipeline to plan: settings of `train`, and what it is planned for."""

    train: dict[str, Any]
    samples: int = 900
    views: int = 2
    speed: float = 1.0
    cores: int = 2


PLANS = {
    "heads": Plan({"families": LITES[:1]}),
    "little time": Plan({"families": LITES[:1], "budget_minutes": 1.3}),
    "too little time": Plan({"families": LITES[:1], "budget_minutes": 0.3}),
    "three families": Plan({"families": LITES, "budget_minutes": 14}),
    "three families, more time": Plan({"families": LITES, "budget_minutes": 45}, samples=1800),
    "a slower machine": Plan({"families": LITES, "budget_minutes": 14}, speed=0.6, cores=4),
    "counted by hand": Plan({"families": LITES[:1], "trials": 7, "finetune": {"trials": 3}}),
    "no fine-tuning": Plan({"families": LITES[:2], "finetune": {"trials": 0}, "growth": False}),
    "fine-tuning as set": Plan(
        {
            "families": LITES[:2],
            "budget_minutes": 60,
            "finetune": {"epochs": 8, "folds": 1, "views": 3, "candidates": 1},
        }
    ),
    "many samples": Plan({"families": LITES[:1], "budget_minutes": 240}, samples=60_000),
    "a whole backbone": Plan(
        {"families": LITES[:1], "weights": {LITES[0]: "scratch"}, "budget_minutes": 90}
    ),
    "from scratch": Plan({"families": ("small_image",), "budget_minutes": 9}),
    "wide from scratch": Plan(
        {"families": ("small_image",), "trials": 5, "search_space": {"width": (1.0, 2.0)}}
    ),
    "few from scratch": Plan({"families": ("small_image",), "budget_minutes": 9}, samples=90),
    "sounds": Plan({"families": ("yamnet", "small_audio"), "budget_minutes": 20}, samples=400),
    "negatives": Plan({"families": LITES[:1], "budget_minutes": 12, "other": "auto"}),
    "a student": Plan({"families": LITES[1:2], "budget_minutes": 40, "distil": "small_image"}),
    "a light student": Plan({"families": LITES[1:2], "budget_minutes": 60, "distil": LITES[0]}),
    "students as set": Plan(
        {
            "families": LITES[:1],
            "trials": 4,
            "distil": {"family": "small_image", "epochs": 9, "views": 2},
            "prune": {"share": 0.3, "epochs": 5, "views": 4},
            "folds": 1,
        }
    ),
    "pruning": Plan({"families": LITES[:1], "budget_minutes": 45, "prune": 0.4}, samples=500),
    "no time for a student": Plan({"families": LITES[:1], "budget_minutes": 2, "prune": 0.4}),
    "an architecture search": Plan({"families": ("searched_image",), "architecture": "search"}),
    "a found architecture": Plan(
        {"families": ("searched_image",), "trials": 3, "architecture": "off", "epochs": 20}
    ),
    "large pictures": Plan({"families": LITES[:1], "input_sizes": (352,), "budget_minutes": 30}),
    "a batch of many": Plan(
        {"families": LITES[:2], "budget_minutes": 90, "batch": 2, "halving": 2, "workers": 4},
        cores=8,
    ),
    "boxes": Plan({"families": BOXES, "budget_minutes": 20, "epochs": 60}, samples=300),
    "boxes, little time": Plan({"families": BOXES, "budget_minutes": 9, "epochs": 60}, samples=300),
    "boxes, much time": Plan({"families": BOXES, "budget_minutes": 200, "epochs": 60}, samples=300),
    "boxes, no time": Plan({"families": BOXES, "budget_minutes": 2, "epochs": 60}, samples=900),
    "boxes, as set": Plan(
        {"families": BOXES[:1], "input_sizes": (320, 416), "epochs": 10, "trials": 3, "workers": 1}
    ),
}


def numbers(plan: Plan) -> dict[str, Any]:
    """What is planned and estimated, or the error if nothing can be planned."""
    trainer = Detectors() if plan.train["families"][0] in BOXES else Heads()
    train = TrainConfig(**plan.train)

    def resolved(minutes: float) -> TrainConfig:
        timed = train.model_copy(update={"budget_minutes": minutes})
        return trainer.resolve(timed, plan.samples, plan.views, plan.speed)

    try:
        planned = resolved(train.budget_minutes)
    except WorkflowError as error:
        return {"error": str(error)}
    resources = Resources(cores=plan.cores, scratch=Path("unused"), speed=plan.speed)
    led = with_leaders(planned, tunable(planned)[::-1], plan.samples) if tunes(planned) else planned
    return {
        "trials": planned.trials,
        "epochs": planned.epochs,
        "families": list(planned.families),
        "finetune": finetuning(planned),
        "with the dearest as leader": finetuning(led),
        "students": [
            [student.epochs, student.views]
            for student in (planned.distils, planned.prunes)
            if student
        ],
        "epochs alone": [
            cost.epochs_alone(plan.samples, cost.longest, cost.distillation.views, unlabelled=40)
            for cost in student_costs(planned)
        ],
        "estimate": list(trainer.estimate(planned, plan.samples, plan.views, resources)),
        "next": "" if train.trials else next_step(planned, resolved),
    }


def tunes(planned: TrainConfig) -> bool:
    return bool(planned.finetune.trials)


def finetuning(planned: TrainConfig) -> list[Any]:
    """Trials, epochs, folds, views, minutes, inputs and split points of fine-tuning."""
    found, space = planned.finetune, planned.finetune.search_space
    counts = [found.trials, found.epochs, found.folds, found.views, found.minutes]
    return [*counts, [*found.inputs], [*space.freeze]]


def rounded(value: Any) -> Any:
    """`value` with its numbers to nine digits."""
    if isinstance(value, dict):
        return {key: rounded(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [rounded(each) for each in value]
    return float(f"{value:.9g}") if isinstance(value, float) else value


@pytest.mark.parametrize("name", PLANS)
def test_plan_and_estimate_are_as_before(name: str):
    assert rounded(numbers(PLANS[name])) == recorded(TABLE, name)


if __name__ == "__main__":
    record(TABLE, {name: rounded(numbers(PLANS[name])) for name in PLANS})
