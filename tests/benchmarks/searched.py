"""Arms of an architecture search at equal CPU time, on real data:
`python -m tests.benchmarks.searched digits|FOLDER MINUTES SEEDS [TEACHER]`.

FOLDER has pictures in train/<label> and test/<label>, or sounds in <label> and their folds in
`folds.csv` (the last one is the test, the one before it the validation); digits are those of
scikit-learn, at 32 pixels. MINUTES are of CPU, for all arms of one seed together and without the
further seeds of each arm's best network, which come on top; the number of trials follows from the
first batch. TEACHER: a family whose frozen backbone with a linear head teaches all networks; each
winner is then trained without it, too. Every arm gets the same computed time; printed is what each
really took, and the test accuracy of its best network in the mean over its seeds. The test split is
read once, by these networks alone; nothing is chosen on it.

With `--cost` it prints what the same trainings cost in plain Paddle; with `--proxy N` the rank
correlation of N random networks' early and full trainings, beside that of two seeds."""

import os
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

from stages.config import TrainConfig
from stages.models.genotype import macs_of, parameters_of, parse
from stages.parts import FAMILIES
from stages.train.architecture.arms import ArchitectureSearch, training_of
from stages.train.architecture.counted_limits import limits_of
from stages.train.architecture.repeats import repeated_networks, train_repeats, without_teacher
from stages.train.architecture.space import architecture_space, genotype_of
from stages.train.distillation.search_teacher import teacher_measures
from stages.train.heads.out_of_fold import weights_in
from stages.train.heads.problem import Problem
from stages.train.heads.windows import mean_per_row
from stages.train.search.successive_halving import FixedSets, SuccessiveHalving, Trial
from stages.train.search.trial_worker import TrialPiece, TrialWorker
from tests.benchmarks.searched_data import Prepared, opened
from tests.train.here import finish

EARLY = (1, 2, 3, 4, 6)  # epochs of a proxy
DRAWS = 2000  # of a bootstrap


class Trainer:
    """Trains rung budgets in this process; `seconds`: of CPU, by the arm."""

    def __init__(self, problem: Problem, config: TrainConfig) -> None:
        self.worker = TrialWorker((problem, config.patience))
        self.rungs = rungs_of(config)
        self.states: dict[int, Any] = {}
        self.seconds: dict[str, float] = {}

    def run(self, halving: SuccessiveHalving, seconds: float = float("inf")) -> list[Trial]:
        """All trials of `halving`, with as many batches as the first one suggests for `seconds`."""
        self.states, start = {}, time.process_time()
        while not halving.finished:
            if len(halving.batches) == 1 and all(each.ended for each in halving.trials):
                batches = seconds / (time.process_time() - start)
                halving.total = min(halving.total, max(1, round(batches)) * halving.size)
            if (rung := halving.next()) is None:
                break
            begin = time.process_time()
            piece = TrialPiece(rung, self.states.get(rung.number))
            result, self.states[rung.number] = finish(self.worker, piece)
            arm = rung.hyperparameters["arm"]
            spent = time.process_time() - begin
            self.seconds[arm] = self.seconds.get(arm, 0.0) + spent
            halving.report(rung, result.measures["accuracy"], result)
        return halving.trials

    def train_sets(self, sets: Sequence[dict[str, Any]], first: int = 10_000) -> list[Trial]:
        """The trials of `sets`, trained to their end."""
        count = len(sets)
        fixed = SuccessiveHalving(
            FixedSets(sets), [], total=count, size=count, keep=3, rungs=self.rungs[-1:]
        )
        return [replace(trial, number=first + trial.number) for trial in self.run(fixed)]


def rungs_of(config: TrainConfig) -> tuple[int, int]:
    """The epochs after which trials are compared, and those of a whole training."""
    return config.epochs // 3, config.epochs


def accuracy_of(trial: Trial, prepared: Prepared) -> float:
    """The share of the test split, in per cent, that the network of `trial` answers rightly."""
    import paddle

    from stages.models.arrays import unpack_arrays
    from stages.models.network import assemble

    arrays = weights_in(unpack_arrays(trial.result.arrays))
    network = assemble(trial.input.partition("@")[0], arrays)
    network.eval()
    with paddle.no_grad():
        parts = np.array_split(prepared.test.astype(np.float32), max(1, len(prepared.test) // 64))
        logits = np.concatenate([network(paddle.to_tensor(part)).numpy() for part in parts])
    answers = mean_per_row(logits, prepared.test_rows).argmax(axis=1)
    return 100 * float((answers == prepared.truth).mean())


def compare(what: str, minutes: float, seed: int, teacher: str, place: Path) -> dict[str, float]:
    """Search with one seed, print a line for each arm, and return its test accuracy."""
    config, prepared = opened(what, place, seed, teacher)
    problem = prepared.problem
    [windows] = problem.features.values()
    shape = windows.values.shape[1:]
    limits = limits_of(config, shape, problem.classes, 1)
    searcher, trainer = ArchitectureSearch(config, limits), Trainer(problem, config)
    halving = SuccessiveHalving(
        searcher,
        [],
        total=10_000,
        size=searcher.batch,
        keep=config.halving,
        rungs=trainer.rungs,
        ahead=0,
        kind=lambda hyperparameters: hyperparameters["arm"],
    )
    trials = list(trainer.run(halving, 60 * minutes))
    spent = dict(trainer.seconds)
    trials += train_repeats(trials, config, problem.samples, trainer.train_sets)
    over = sum(not limits.allow(parse(each.hyperparameters["genotype"])) for each in trials)
    if teacher:
        print(f"seed {seed}: the teacher {100 * teacher_measures(problem)['accuracy']:.1f} %")
    accuracies = {}
    best = repeated_networks(trials, config, problem.samples)
    for network in [*best, *without_teacher(trials)]:
        arm, trainings = network.arm, network.trials
        values = [accuracy_of(each, prepared) for each in trainings]
        genotype = parse(trainings[0].hyperparameters["genotype"])
        own = [each for each in trials if each.hyperparameters["arm"] == arm]
        held_out = 100 * np.mean([each.score for each in trainings])
        print(
            f"seed {seed} {arm:18} {len(own):4} trainings {spent.get(arm, 0.0):6.1f} CPU s  "
            f"held out {held_out:5.1f}  test {np.mean(values):5.1f} % "
            f"({', '.join(f'{value:.1f}' for value in values)})  "
            f"{parameters_of(genotype, shape[0], problem.classes, 1):,} parameters "
            f"{macs_of(genotype, shape, problem.classes, 1):,} MACs",
            flush=True,
        )
        accuracies[arm] = float(np.mean(values))
    print(f"seed {seed}: {len(trials)} trainings, {over} of networks over the budget", flush=True)
    return accuracies


def bounds(values: Sequence[float]) -> str:
    """Mean and 95 % interval by Student's t."""
    from scipy.stats import t

    mean, count = float(np.mean(values)), len(values)
    if count < 2:
        return f"{mean:+.2f} (one seed)"
    wide = float(t.ppf(0.975, count - 1) * np.std(values, ddof=1) / count**0.5)
    return f"{mean:+.2f} ({mean - wide:+.2f} to {mean + wide:+.2f})"


def main(what: str, minutes: str = "1.5", seeds: str = "5", teacher: str = "") -> None:
    """Print the table of each seed, and then the differences over seeds."""
    with TemporaryDirectory(prefix="aiwf-searched-") as place:
        rows = []
        for seed in range(int(seeds)):
            rows.append(compare(what, float(minutes), seed, teacher, Path(place)))
            arms = [arm for arm in rows[0] if all(arm in row for row in rows)]
            print(f"after {len(rows)} seeds: test accuracy, and the controller's gain in points")
            for arm in arms:
                own = [row[arm] for row in rows]
                gains = [row[arms[0]] - row[arm] for row in rows]
                print(f"  {arm:18} {np.mean(own):6.2f} %   {bounds(gains)}", flush=True)


def cost(what: str) -> None:
    """Print the CPU seconds of trials beside those of the same trainings in plain Paddle."""
    config, prepared = opened(what, Path())
    problem = prepared.problem
    ratios = []
    for hyperparameters in random_sets(config, problem, 8):
        trainer, begin = Trainer(problem, config), time.process_time()
        trainer.train_sets([hyperparameters])
        ours = time.process_time() - begin
        epochs = len(trainer.states[0]["curve"])
        begin = time.process_time()
        plain(problem, hyperparameters, epochs)
        theirs = time.process_time() - begin
        ratios.append(ours / theirs)
        print(f"{epochs} epochs: {ours:6.2f} CPU s, plain Paddle {theirs:6.2f}", flush=True)
    print(f"median {np.median(ratios):.2f} times as long ({min(ratios):.2f} to {max(ratios):.2f})")


def plain(problem: Problem, hyperparameters: dict[str, Any], epochs: int) -> None:
    """Train the network with AdamW on shuffled batches, and validate after each epoch."""
    import paddle

    [(name, windows)] = problem.features.items()
    shape, rng = windows.values.shape[1:], np.random.default_rng(0)
    network = FAMILIES[name.partition("@")[0]].fold_networks(
        1, shape, hidden=False, apart=True, genotype=hyperparameters["genotype"]
    )
    network.initialise(windows.values, rng)
    head = paddle.nn.Linear(network.features, problem.classes)
    every = [*network.parameters(), *head.parameters()]
    optimizer = paddle.optimizer.AdamW(hyperparameters["learning_rate"], parameters=every)
    rows, held_out = problem.training_rows(0), problem.validation_rows(0)
    for _ in range(epochs):
        network.train()
        count = -(-len(rows) // hyperparameters["batch_size"])
        for batch in np.array_split(rng.permutation(rows), count):
            inputs = paddle.to_tensor(windows.random_windows(batch, rng))
            logits = head(network(inputs).reshape([len(batch), -1]))
            loss = paddle.nn.functional.cross_entropy(
                logits, paddle.to_tensor(problem.labels[batch])
            )
            loss.backward()
            optimizer.step()
            optimizer.clear_grad()
        network.eval()
        with paddle.no_grad():
            for batch in np.array_split(held_out, max(1, len(held_out) // 64)):
                inputs = paddle.to_tensor(windows.all_of(batch)[0].astype(np.float32))
                head(network(inputs).reshape([len(inputs), -1])).numpy()


def random_sets(config: TrainConfig, problem: Problem, count: int) -> list[dict[str, Any]]:
    """Hyperparameters of `count` random networks within the limits."""
    [windows] = problem.features.values()
    limits = limits_of(config, windows.values.shape[1:], problem.classes, 1)
    rng, space = np.random.default_rng(0), architecture_space()
    defaults, found = training_of(config).defaults, []
    while len(found) < count:
        genotype = genotype_of({each.name: each.sample(rng) for each in space})
        if limits.allow(genotype):
            found.append({**defaults, "genotype": genotype.text, "arm": "random"})
    return found


def proxy(what: str, count: int) -> None:
    """Print the rank correlation of early trainings with full ones of another seed, and what share
    of that of two full trainings it is; for the rung of this benchmark and others. By accuracy and
    log loss on held-out samples, never on the test split."""
    config, prepared = opened(what, Path())
    problem = prepared.problem
    trainer, curves, full = Trainer(problem, config), [], []
    for hyperparameters in random_sets(config, problem, count):
        pair = trainer.train_sets([hyperparameters, {**hyperparameters, "seed": 1}])
        curves.append([trial.result.curve for trial in pair])
        full.append([trial.score for trial in pair])
    scores, rng = np.array(full), np.random.default_rng(0)
    samples = [np.arange(count), *(rng.integers(0, count, count) for _ in range(DRAWS))]
    ceilings = np.array([across_seeds(scores[rows], scores[rows]) for rows in samples])
    print(f"{count} networks, two full trainings: {with_interval(ceilings)}")
    for epochs in EARLY:
        for measure, sign in (("accuracy", 1), ("log_loss", -1)):
            early = np.array(
                [
                    [max(sign * epoch[measure] for epoch in curve[:epochs]) for curve in pair]
                    for pair in curves
                ]
            )
            found = np.array([across_seeds(early[rows], scores[rows]) for rows in samples])
            shares = with_interval(found / ceilings)
            mark = ", the rung of the search" if epochs == trainer.rungs[0] else ""
            print(f"{epochs} epochs, {measure:8} {with_interval(found)}, of that {shares}{mark}")


def across_seeds(early: np.ndarray, full: np.ndarray) -> float:
    """The rank correlation of `early` of one seed with `full` of the other, both [networks, 2], in
    the mean over the two ways to choose them."""
    from scipy.stats import rankdata

    ranks = np.hstack([rankdata(each, axis=0) for each in (early, full)])
    between = np.corrcoef(ranks, rowvar=False)
    return float((between[0, 3] + between[1, 2]) / 2)


def with_interval(values: np.ndarray) -> str:
    """The first of `values`, and a 95 % interval by the others, drawn by a bootstrap."""
    low, high = np.nanquantile(values[1:], [0.025, 0.975])
    return f"{values[0]:.2f} ({low:.2f} to {high:.2f})"


if __name__ == "__main__":
    if sys.argv[2:3] == ["--cost"]:
        cost(sys.argv[1])
    elif sys.argv[2:3] == ["--proxy"]:
        proxy(sys.argv[1], int(sys.argv[3]))
    else:
        main(*sys.argv[1:])
