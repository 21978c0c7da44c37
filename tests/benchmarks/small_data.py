"""Training on small data, with pictures that have an official test:
`python -m tests.benchmarks.small_data FOLDER`, with FOLDER/train/<label> and FOLDER/test/<label>.

First, the gain from class balance: labels are thinned to between all and one in FACTOR of their
samples, heads are trained, and their balanced accuracy on the official test is printed, with the
mean gain over no balance and its 95 % interval over seeds. Then, whether the learning curve of half
of the samples predicts the gain from all of them."""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import numpy as np

from stages.artifacts import Dataset
from stages.blobs.folder import FolderBlobs
from stages.parts import FAMILIES, TASKS
from stages.runtime import steps
from stages.store import Store
from stages.train.distributed.single_threaded import load_single_threaded
from stages.train.heads.backbone import backbone_file
from stages.train.heads.balance import balance_of
from stages.train.heads.growth import growth
from stages.train.heads.head_fit import fit_of
from stages.train.heads.learning_curve import SHARES, Curve, ShareWorker
from stages.train.heads.problem import Problem
from stages.train.heads.scores import measures
from stages.train.heads.standardised import StandardisedFeatures

INPUT, FOLDS, SEEDS = "efficientnet_lite0@224", 5, 6
HOW = ("none", "weights", "sampling", "both")
FACTORS = (3, 10, 20)
T = 2.571  # of Student's t with SEEDS - 1 degrees of freedom, 95 %


class Pictures(NamedTuple):
    """Pictures as `features` [n, features], their labels, and whether each is in the official
    test."""

    features: np.ndarray
    labels: np.ndarray
    test: np.ndarray
    names: list[str]


def main(folder: Path) -> None:
    """Print both tables."""
    pictures = read(folder)
    for factor in FACTORS:
        balances(pictures, factor)
    curves(pictures)


def read(folder: Path) -> Pictures:
    """The features of all pictures in `folder`, by the frozen backbone."""
    names = sorted(path.name for path in (folder / "train").iterdir())
    family = FAMILIES["efficientnet_lite0"]
    empty = Dataset(task="image_classification", labels=tuple(names), revision="", counts={})
    before = [step.model_dump() for step in TASKS[empty.task]().before(family, family.size, empty)]
    rows, labels, test = [], [], []
    with TemporaryDirectory() as place:
        store = Store(FolderBlobs(Path(place) / "store"), Path(place) / "cache")
        network = load_single_threaded(str(backbone_file(family, store).path))
        for split in ("train", "test"):
            for index, name in enumerate(names):
                for path in sorted((folder / split / name).iterdir()):
                    rows.append(network(steps.prepared(before, path.read_bytes()).windows)[0])
                    labels.append(index)
                    test.append(split == "test")
    return Pictures(np.stack(rows), np.array(labels), np.array(test), names)


def balances(pictures: Pictures, factor: int) -> None:
    """Print a line for each head and balance."""
    for head in ("linear", "hidden"):
        figures = {how: [] for how in HOW}
        for seed in range(SEEDS):
            problem = problem_of(pictures, thinned(pictures, factor, seed), seed)
            standard = StandardisedFeatures(problem, INPUT)
            for how in HOW:
                fit = fit_of(problem, standard, hyperparameters(head, how))
                fit.fit(40, 10)
                figures[how].append(100 * accuracy_of(fit.arrays(), pictures))
        auto = balance_of("auto", np.bincount(problem.labels)).name
        for how, values in figures.items():
            gains = np.array(values) - figures["none"]
            bound = T * gains.std(ddof=1) / SEEDS**0.5
            mark = " (auto)" if how == auto else ""
            print(
                f"factor {factor:2} {head:6} {how:8} {np.mean(values):5.1f} %  "
                f"{gains.mean():+.1f} points ({gains.mean() - bound:.1f} to "
                f"{gains.mean() + bound:.1f}){mark}",
                flush=True,
            )


def thinned(pictures: Pictures, factor: float, seed: int) -> np.ndarray:
    """Rows of the official training set, with the labels in an order by `seed`: all of the first
    label, down to one in `factor` of the last."""
    rng, selected = np.random.default_rng(seed), []
    for place, label in enumerate(rng.permutation(len(pictures.names))):
        rows = rng.permutation(np.flatnonzero((pictures.labels == label) & ~pictures.test))
        share = factor ** (-place / max(len(pictures.names) - 1, 1))
        selected.append(rows[: max(round(len(rows) * share), 2)])
    return np.sort(np.concatenate(selected))


def problem_of(pictures: Pictures, rows: np.ndarray, seed: int) -> Problem:
    """The `rows` as a Problem with folds, over which each label is spread evenly."""
    labels, rng = pictures.labels[rows], np.random.default_rng(seed)
    fold = np.zeros(len(rows), np.int64)
    for label in np.unique(labels):
        mine = rng.permutation(np.flatnonzero(labels == label))
        fold[mine] = np.arange(len(mine)) % FOLDS
    plain = np.ones(len(rows), bool)
    return Problem(
        {INPUT: pictures.features[rows]}, labels, fold, plain, len(pictures.names), FOLDS
    )


def hyperparameters(head: str, how: str = "none") -> dict:
    trained = {"learning_rate": 3e-3, "weight_decay": 0.1, "batch_size": 32}
    chosen = {"l2": 0.03} if head == "linear" else trained
    return {"input": INPUT, "head": head, "class_balance": how, **chosen}


def accuracy_of(head: dict[str, np.ndarray], pictures: Pictures) -> float:
    """Balanced accuracy on the official test."""
    inputs = pictures.features[pictures.test]
    if "head.hidden.weight" in head:
        inputs = np.maximum(inputs @ head["head.hidden.weight"] + head["head.hidden.bias"], 0)
    logits = inputs @ head["head.out.weight"] + head["head.out.bias"]
    return measures(logits, pictures.labels[pictures.test])["balanced_accuracy"]


def curves(pictures: Pictures) -> None:
    """Print the gain that learning curves of half of the samples, drawn by each seed, predict for
    all samples, and the real gain."""
    whole = [reached(pictures, thinned(pictures, 1, 0), 0)["points"][-1]["value"]]
    halves, inside = [], 0
    for seed in range(SEEDS):
        rng = np.random.default_rng(100 + seed)
        rows = [
            rng.permutation(np.flatnonzero((pictures.labels == label) & ~pictures.test))
            for label in range(len(pictures.names))
        ]
        results = reached(pictures, np.sort(np.concatenate([r[: len(r) // 2] for r in rows])), seed)
        halves.append((results["points"][-1]["value"], results["gain"]))
    real = whole[0] - np.mean([value for value, _ in halves])
    for value, gain in halves:
        inside += gain["low"] <= real <= gain["high"]
        bounds = f"{100 * gain['low']:.1f} to {100 * gain['high']:.1f}"
        print(f"half: {100 * value:.1f} %, twice as many: {100 * gain['value']:+.1f} ({bounds})")
    mean = np.mean([gain["value"] for _, gain in halves])
    print(f"expected {100 * mean:+.1f}, real {100 * real:+.1f}, in {inside} of {SEEDS} intervals")


def reached(pictures: Pictures, rows: np.ndarray, seed: int) -> dict:
    """The learning curve of `rows`, with the gain that it predicts."""
    problem, names = problem_of(pictures, rows, seed), [str(row) for row in rows]
    jobs = [(share, repeat) for share in SHARES for repeat in range(3)]
    worker = ShareWorker((problem, names, hyperparameters("linear"), 15, 10))
    results = [worker.trained(*job) for job in jobs]
    right = np.stack([right_share for right_share, _ in results]).reshape(len(SHARES), 3, -1)
    sizes = np.stack([label for _, label in results]).reshape(len(SHARES), 3, -1).mean(axis=1)
    order = np.concatenate([problem.validation_rows(fold) for fold in range(FOLDS)])
    return growth(Curve(SHARES, right, problem.labels[order], order, sizes), pictures.names)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
