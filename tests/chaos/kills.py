"""Twenty kills of a training at drawn moments, and what is lost each time:
`python -m tests.chaos.kills [KILLS] [SEED] [TUNED] [LONGEST]`.

In turn the driver, a trial of phase one and, if TUNED trials are fine-tuned, a worker of phase two
are killed with SIGKILL, each drawn up to LONGEST seconds after the last. Prints a row for each kill
and asserts that every round comes to the model of a calm one, and that no leg that was finished is
taught again."""

import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from stages.artifacts import canonical
from stages.config import TrainConfig
from tests.chaos.killing import Event, Kill, Round, calm_round, driver, named, rounds_of

CONFIG: dict[str, Any] = {
    "families": ("efficientnet_lite0",),
    "input_sizes": (64,),
    "epochs": 60,
    "patience": 60,
    "trials": 12,
    "batch": 4,
    "folds": 3,
    "growth": False,
}
TRIAL = named("ray::Teaching")
WORKER = named("ray::RayTrainWorker", "ray::_RayTrainWorker")


def main(kills: int = 20, seed: int = 0, tuned: int = 0, longest: int = 6) -> None:
    config = TrainConfig.model_validate({**CONFIG, "finetune": {"trials": tuned, "epochs": 6}})
    victims = {"driver": driver, "trial": TRIAL, **({"worker": WORKER} if tuned else {})}

    def command(workspace: Path) -> list[str]:
        program = [sys.executable, "-m", "tests.chaos.training", str(workspace), "2"]
        return [*program, config.model_dump_json()]

    with TemporaryDirectory() as folder:
        places = Path(folder)
        calm = calm_round(command(places / "calm"))
        print(f"calm: model {calm.model[:12]}", flush=True)
        rounds = rounds_of(command, places, victims, kills=kills, longest=longest, seed=seed)
    tell(rounds, calm, config.epochs)


def tell(rounds: list[Round], calm: Round, epochs: int) -> None:
    """A row for each kill, and what is promised."""
    print(
        f"{'kill':>4}  {'who':<8}{'after':>7}  {'finished':>8}  {'under way':>9}  lost, in trials"
    )
    for number, (kill, lost) in enumerate(_losses(rounds, epochs), 1):
        begun, done = _keys(kill.events, "begun"), _keys(kill.events, "done")
        under_way = len(begun - done)
        print(
            f"{number:>4}  {kill.who:<8}{kill.after:>6.1f}s  {len(done):>8}  {under_way:>9}"
            f"  {lost:.2f}"
        )
    again = sum(_taught_again(one) for one in rounds)
    models = {one.model for one in [calm, *rounds]}
    left = Counter(name for one in rounds for kill in one.kills for name in kill.left)
    kills = sum(len(one.kills) for one in rounds)
    print(f"kills {kills}, rounds {len(rounds)}, models {sorted(one[:12] for one in models)}")
    print(f"finished legs that were taught again: {again}; processes left behind: {dict(left)}")
    print(f"most lost at once: {max(lost for _, lost in _losses(rounds, epochs)):.2f} trials")
    assert len(models) == 1
    assert again == 0


def _losses(rounds: list[Round], epochs: int) -> Iterable[tuple[Kill, float]]:
    """Each kill and what was under way, at the most: epochs as shares of a whole trial's."""
    for one in rounds:
        for kill in one.kills:
            begun, done = _legs(kill.events, "begun"), _keys(kill.events, "done")
            going = [leg for key, leg in begun.items() if key not in done]
            lost = [leg[1] / epochs for leg in going]
            yield kill, sum(lost) if kill.who == "driver" else max(lost, default=0.0)


def _taught_again(one: Round) -> int:
    """Legs that were done in more than one life, or twice in one."""
    done = [canonical(event["done"]) for life in one.lives for event in life if "done" in event]
    return len(done) - len(set(done))


def _keys(events: list[Event], name: str) -> set[bytes]:
    return set(_legs(events, name))


def _legs(events: list[Event], name: str) -> dict[bytes, Any]:
    return {canonical(event[name]): event[name] for event in events if name in event}


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
