"""What is proposed for a seed stays as it is: a search of a new release proposes what the last one
did, so that `aiwf reproduce` and the cache find equal trials.

`proposals.json` has a digest of all proposals of a small search for each searcher, controller and
architecture search, and the hand designs within some limits. Whoever changes a proposal on purpose
writes the table again, with `python -m tests.train.search.test_proposals`, and says so in the notes
of the release."""

import json
from collections.abc import Callable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from stages.config import TrainConfig
from stages.parts import CONTROLLERS, SEARCHERS
from stages.train.architecture.arms import ArchitectureSearch
from stages.train.architecture.controllers import Prior
from stages.train.architecture.counted_limits import CountedLimits
from stages.train.architecture.hand_designs import OPERATIONS, hand_designs, moderate_design
from stages.train.finetune.finetune_problem import FinetuneProblem
from stages.train.finetune.finetune_search import FinetuneRequest, halving_of
from stages.train.search.search_space import (
    AnyOf,
    Categorical,
    Condition,
    Dimension,
    Number,
    default_sets,
    dimensions,
)
from stages.train.search.successive_halving import TrialResult
from tests.train.conftest import blobs
from tests.train.recorded import record, recorded

TABLE = Path(__file__).with_name("proposals.json")
MIXED = Condition("mixing", ("mixup", "cutmix"))
SPACE: tuple[Dimension, ...] = (
    Categorical("input", ("small", "large")),
    Categorical("mixing", ("none", "mixup", "cutmix")),
    Number("strength", 0.1, 0.9, log=False, when=MIXED),
    Number("learning_rate", 1e-4, 1e-1, log=True),
    Number("dropout", 0.0, 0.5, log=False, when=AnyOf((MIXED, Condition("input", ("large",))))),
)
CHOICES = tuple(
    Categorical(f"{level}.{place}", tuple("abcd"[: 2 + place % 3]))
    for level in ("motif", "cell", "network")
    for place in range(4)
)
LIMITS = {
    "tiny": CountedLimits((3, 32, 32), 4, 3, parameters=9_000, macs=600_000),
    "small": CountedLimits((3, 64, 64), 10, 3, parameters=60_000),
    "free": CountedLimits((3, 32, 32), 10, 1),
    "wide": CountedLimits((3, 32, 32), 10, 1, parameters=400_000),
    "sound": CountedLimits((1, 64, 100), 10, 5, macs=20_000_000),
}


def value_of(proposal: dict[str, Any]) -> float:
    """A score that depends on the proposal alone, and is smooth in its numbers."""
    numbers = [value for value in proposal.values() if isinstance(value, float)]
    texts = [str(value) for value in proposal.values() if not isinstance(value, float)]
    return round(sum(len(text) % 5 for text in texts) / 10 - sum(abs(x - 0.3) for x in numbers), 6)


def last_choices(proposal: Mapping[str, Any]) -> float:
    """The share of last choices, as a score and as a prior."""
    return sum(proposal[each.name] == each.values[-1] for each in CHOICES) / len(CHOICES)


PRIOR = Prior(last_choices, entropy=0.93)


def digest(proposals: list[dict[str, Any]]) -> str:
    text = json.dumps(proposals, sort_keys=True)
    return sha256(text.encode()).hexdigest()[:12]


def of_searcher(name: str, seed: int) -> str:
    """Of a searcher's proposals in batches, each learnt one batch late."""
    searcher, batches = SEARCHERS[name](SPACE, seed, startup=6), []
    for _ in range(7):
        batches.append(searcher.propose(5))
        for batch in batches[-2:-1]:
            searcher.learn([(each, value_of(each)) for each in batch])
    return digest([each for batch in batches for each in batch])


def of_controller(name: str, seed: int, prior: Prior | None = None) -> str:
    """Of a controller's proposals, some of which break a limit."""
    controller, found = CONTROLLERS[name](CHOICES, seed, prior), []
    for _ in range(9):
        sets = controller.propose(6)
        controller.reject(sets[4:])
        controller.learn([(each, last_choices(each)) for each in sets[:4]])
        found += sets
    return digest(found)


def of_architectures(limits: str, controller: str, **space: Any) -> str:
    """Of the proposals of an architecture search with two controllers and the hand designs."""
    config = TrainConfig(
        families=("searched_image",),
        architecture="search",
        controller=controller,
        baselines=("random", "evolution"),
        search_space={"architecture": space},
        seed=3,
    )
    search, found = ArchitectureSearch(config, LIMITS[limits]), []
    for _ in range(4):
        sets = search.propose(6)
        search.learn([(each, value_of(each)) for each in sets])
        found += sets
    return digest(found)


def of_finetuning(trials: int) -> list[list[Any]]:
    """The number, epochs and hyperparameters of each rung of a search of fine-tuning."""
    inputs = ("efficientnet_lite0@224", "efficientnet_lite1@256")
    config = TrainConfig(families=("efficientnet_lite0", "efficientnet_lite1"))
    problem = FinetuneProblem(blobs(), dict.fromkeys(inputs), {}, 0, 1, epochs=12)  # type: ignore[arg-type]
    halving, found = halving_of(FinetuneRequest(problem, config, trials, ())), []
    while (rung := halving.next()) is not None:
        found.append([rung.number, rung.epochs, rung.hyperparameters])
        score = value_of(rung.hyperparameters) + rung.epochs / 100
        halving.report(rung, score, TrialResult({}, 1, False, [], b""))
    return found


FEW = {
    "operations": ("conv3",),
    "edges": ("none", "motif"),
    "merges": ("add",),
    "stems": (8,),
    "first_widths": (8,),
    "second_widths": (8,),
    "third_widths": (8, 16),
    "repeats": (1,),
    "downs": ("max2",),
}
CASES: dict[str, Callable[[], Any]] = {
    **{
        f"searcher {name}, seed {seed}": lambda name=name, seed=seed: of_searcher(name, seed)
        for name in SEARCHERS
        for seed in (0, 5)
    },
    **{
        f"controller {name}, seed {seed}": lambda name=name, seed=seed: of_controller(name, seed)
        for name in CONTROLLERS
        for seed in (0, 5)
    },
    **{
        f"controller {name} with a prior": lambda name=name: of_controller(name, 1, PRIOR)
        for name in CONTROLLERS
    },
    **{
        f"architectures, {limits}": lambda limits=limits: of_architectures(limits, "flat_ppo")
        for limits in ("small", "sound")
    },
    "architectures, of a narrow space": lambda: of_architectures("sound", "flat_ppo", **FEW),
    "architectures, proposed one by one": lambda: of_architectures("small", "local_search"),
    **{
        f"hand designs, {name}, {limits}": lambda name=name, limits=limits: [
            *[each.text for each in hand_designs(name, LIMITS[limits])],
            str(getattr(moderate_design(name, LIMITS[limits]), "text", "")),
        ]
        for name in OPERATIONS
        for limits in LIMITS
    },
    "fine-tuning": lambda: of_finetuning(7),
    "default sets": lambda: [
        default_sets(dimensions(TrainConfig(families=families)))
        for families in (("efficientnet_lite0", "squeezenet"), ("small_image",), ("yamnet",))
    ],
}


@pytest.mark.parametrize("name", CASES)
def test_proposals_are_as_before(name: str):
    assert json.loads(json.dumps(CASES[name]())) == recorded(TABLE, name)


if __name__ == "__main__":
    record(TABLE, {name: CASES[name]() for name in CASES})
