"""Twenty kills of a training at random moments, and what is lost each time:
`python -m tests.chaos.kills [KILLS] [SEED] [TUNED] [LONGEST] [--architecture]`.

In turn the driver, a trial of the search over heads and, if TUNED trials are fine-tuned, a worker
of fine-tuning are killed with SIGKILL, each up to LONGEST seconds after the last. With
`--architecture` it is a search over architectures: in turn the driver, the worker that trains a
trial, and the last worker of the pool, whether it trains, waits or has yet to start are killed.

Prints a row for each kill, and asserts that every round gives the model of a round without kills,
and that no finished budget of the search and no finished epoch of fine-tuning is trained again. The
state of a trial between two budgets is in the driver's memory alone: how many epochs of finished
budgets were trained anew on the way to the next one is printed, too."""

import sys
from argparse import ArgumentParser
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from stages.artifacts import canonical
from stages.config import TrainConfig
from tests.chaos.epoch_log import FILE, Note, finished, notes_of, trained_again, under_way
from tests.chaos.killing import (
    Event,
    Kill,
    Round,
    Victims,
    calm_round,
    driver,
    named,
    rounds_of,
)

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
ARCHITECTURE: dict[str, Any] = {
    "architecture": "search",
    "families": ("searched_image",),
    "input_sizes": (32,),
    "baselines": (),
    "architecture_seeds": 2,
    "epochs": 15,
    "trials": 36,  # two batches: the second one follows from the scores of the first
    "folds": 1,
    "growth": False,
    "device": {"parameters": 12_000, "macs": 300_000},
}
TRIAL = named("ray::RayPieceWorker")
WORKER = named("ray::RayTrainWorker", "ray::_RayTrainWorker")
OF_HEADS: dict[str, Victims] = {"driver": driver, "trial": TRIAL}
OF_ARCHITECTURES: dict[str, Victims] = {
    "driver": driver,
    "trial": named("ray::RayPieceWorker.work"),  # Ray's title of a worker while it is at a piece
    "worker": lambda process: TRIAL(process)[-1:],
}


def main(kills: int, seed: int, tuned: int, longest: int, architecture: bool) -> None:
    if architecture:
        config, victims = TrainConfig.model_validate(ARCHITECTURE), OF_ARCHITECTURES
    else:
        config = TrainConfig.model_validate({**CONFIG, "finetune": {"trials": tuned, "epochs": 6}})
        victims = OF_HEADS | ({"worker": WORKER} if tuned else {})

    def command(workspace: Path) -> list[str]:
        program = [sys.executable, "-m", "tests.chaos.training", str(workspace), "2"]
        return [*program, config.model_dump_json()]

    with TemporaryDirectory() as folder:
        places = Path(folder)
        calm = calm_round(command(places / "calm"))
        print(f"calm: model {calm.model[:12]}", flush=True)
        rounds = rounds_of(command, places, victims, kills=kills, longest=longest, seed=seed)
        logs = [notes_of(places / f"round-{place}" / FILE) for place in range(len(rounds))]
    print_rows(rounds, logs, calm, config)


def print_rows(
    rounds: list[Round], logs: list[list[Note]], calm: Round, config: TrainConfig
) -> None:
    """Print a row for each kill, and assert what is promised; `logs`: the epochs of fine-tuning in
    each round."""
    header = "budgets, epochs  lost of the search, of fine-tuning"
    print(f"{'kill':>4}  {'who':<8}{'after':>7}  {header}")
    lost = [loss for pair in zip(rounds, logs, strict=True) for loss in _losses(*pair, config)]
    for number, (kill, heads, finetuning, epochs) in enumerate(lost, 1):
        budgets = len(_keys(kill.events, "done") | _keys(kill.events, "known"))
        print(f"{number:>4}  {kill.who:<8}{kill.after:>6.1f}s  {budgets:>4}  {epochs:>11}", end="")
        print(f"  {heads:>18.2f}  {finetuning:>8.2f}")
    again = [sum(map(_trained_again, rounds)), sum(map(trained_again, logs))]
    models = {each.model for each in [calm, *rounds]}
    remaining = Counter(name for kill, *_ in lost for name in kill.remaining)
    print(
        f"kills {len(lost)}, rounds {len(rounds)}, models {sorted(model[:12] for model in models)}"
    )
    print(f"trained again: {again[0]} finished budgets of the search, {again[1]} finished epochs")
    needed = _trained_epochs(calm)
    anew = [_trained_epochs(each) - needed for each in rounds]
    print(f"of {needed} epochs of the search, trained anew in each round: {anew}")
    print(f"processes left behind: {dict(remaining)}")
    failures = Counter(line for each in rounds for line in each.failures)
    print(f"ended with an error and were started again: {dict(failures)}")
    worst = max(heads + finetuning for _, heads, finetuning, _ in lost)
    print(f"most lost at once: {worst:.2f} trials")
    assert len(models) == 1
    assert again == [0, 0]
    assert all(logs) == bool(config.finetune.trials)


def _losses(
    round_of_kills: Round, notes: list[Note], config: TrainConfig
) -> Iterable[tuple[Kill, float, float, int]]:
    """For each kill the work that was lost at most, of heads and of fine-tuning, as shares of a
    whole trial; and the number of saved epochs of fine-tuning."""
    for kill in round_of_kills.kills:
        started, done = _events_by_key(kill.events, "begun"), _keys(kill.events, "done")
        going = [budget for key, budget in started.items() if key not in done]
        lost = [budget[1] / config.epochs for budget in going]
        heads = sum(lost) if kill.who == "driver" else max(lost, default=0.0)
        before = [note for note in notes if note.at < kill.at]
        finetuning = under_way(before) / config.finetune.longest
        yield kill, heads, finetuning, finished(before)


def _trained_again(whole: Round) -> int:
    """The number of budgets that were finished more than once."""
    done = [canonical(event["done"]) for life in whole.lives for event in life if "done" in event]
    return len(done) - len(set(done))


def _trained_epochs(whole: Round) -> int:
    """The epochs of the budgets that were finished. A budget continues from the trial's last one
    if the driver that began it still lives; otherwise it begins with the first epoch."""
    total = 0
    for life in whole.lives:
        reached: dict[bytes, int] = {}
        for hyperparameters, epochs in (event["done"] for event in life if "done" in event):
            trial = canonical(hyperparameters)
            total += epochs - reached.get(trial, 0)
            reached[trial] = epochs
    return total


def _keys(events: list[Event], name: str) -> set[bytes]:
    return set(_events_by_key(events, name))


def _events_by_key(events: list[Event], name: str) -> dict[bytes, Any]:
    return {canonical(event[name]): event[name] for event in events if name in event}


if __name__ == "__main__":
    parser = ArgumentParser()
    for name, default in (("kills", 20), ("seed", 0), ("tuned", 0), ("longest", 6)):
        parser.add_argument(name, type=int, nargs="?", default=default)
    parser.add_argument("--architecture", action="store_true")
    main(**vars(parser.parse_args()))
