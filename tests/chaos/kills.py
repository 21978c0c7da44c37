"""Twenty kills of a training at drawn moments, and what is lost each time:
`python -m tests.chaos.kills [KILLS] [SEED] [TUNED] [LONGEST]`.

In turn the driver, a trial of phase one and, if TUNED trials are fine-tuned, a worker of phase two
are killed with SIGKILL, each drawn up to LONGEST seconds after the last. Prints a row for each kill
and asserts that every round comes to the model of a calm one, and that no leg of phase one and no
epoch of phase two that was finished is taught again."""

import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from stages.artifacts import canonical
from stages.config import TrainConfig
from tests.chaos.killing import Event, Kill, Round, calm_round, driver, named, rounds_of
from tests.chaos.noting import FILE, Note, finished, notes_of, taught_again, under_way

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
        tails = [notes_of(places / f"round-{place}" / FILE) for place in range(len(rounds))]
    tell(rounds, tails, calm, config)


def tell(rounds: list[Round], tails: list[list[Note]], calm: Round, config: TrainConfig) -> None:
    """A row for each kill, and what is promised; `tails`: what phase two noted in each round."""
    print(f"{'kill':>4}  {'who':<8}{'after':>7}  legs, epochs kept  lost of heads, of tails")
    lost = [one for pair in zip(rounds, tails, strict=True) for one in _losses(*pair, config)]
    for number, (kill, heads, tail, epochs) in enumerate(lost, 1):
        legs = len(_keys(kill.events, "done") | _keys(kill.events, "known"))
        print(f"{number:>4}  {kill.who:<8}{kill.after:>6.1f}s  {legs:>4}  {epochs:>11}", end="")
        print(f"  {heads:>13.2f}  {tail:>8.2f}")
    again = [sum(map(_taught_again, rounds)), sum(map(taught_again, tails))]
    models = {one.model for one in [calm, *rounds]}
    left = Counter(name for kill, *_ in lost for name in kill.left)
    print(f"kills {len(lost)}, rounds {len(rounds)}, models {sorted(one[:12] for one in models)}")
    print(f"taught again: {again[0]} finished legs of heads, {again[1]} finished epochs of tails")
    print(f"processes left behind: {dict(left)}")
    print(f"most lost at once: {max(heads + tail for _, heads, tail, _ in lost):.2f} trials")
    assert len(models) == 1
    assert again == [0, 0]
    assert all(tails) == bool(config.finetune.trials)


def _losses(
    one: Round, notes: list[Note], config: TrainConfig
) -> Iterable[tuple[Kill, float, float, int]]:
    """Each kill and what was under way of heads and of tails, at the most: epochs as shares of a
    whole trial's; and how many epochs of tails were kept."""
    for kill in one.kills:
        begun, done = _legs(kill.events, "begun"), _keys(kill.events, "done")
        going = [leg for key, leg in begun.items() if key not in done]
        lost = [leg[1] / config.epochs for leg in going]
        heads = sum(lost) if kill.who == "driver" else max(lost, default=0.0)
        before = [note for note in notes if note.at < kill.at]
        tail = under_way(before) / config.finetune.longest
        yield kill, heads, tail, finished(before)


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
