"""Whether use teaches: `python -m tests.benchmarks.learning_loop FOLDER [--features FILE]`, with
FOLDER/train/<label> and FOLDER/test/<label>.

Of all pictures, whatever their split, 30 % are learned from at first, and 20 % are the first test.
All others are asked of the live model in WEEKS weeks; from week SHIFTED on they are
taken in little light (corruptions.py: noise). The model
is a logistic head on frozen Lite0 features. Each week the inputs that `UsePolicy` and `reason_of`
keep get their true labels, a challenger is trained, and `verdict_of` compares both on the test: it
becomes live if it is better, or, as a person may decide, unless it is worse.

Printed, week by week: the accuracy on the random share, with its 95 % interval, and on all inputs
of the week, which nobody knows in real use; the same for a model that never learns, and for one
that learns as many samples drawn at random; whether the test of drift tells the week from the first
test. At the end: figures beside the truth, and what they were with doubtful inputs in them."""

import argparse
import io
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import numpy as np
from PIL import Image

from stages.artifacts import Dataset, Measure
from stages.blobs.folder import FolderBlobs
from stages.evaluate.formatting import measured
from stages.evaluate.sure import PRECISION, Answered
from stages.metrics.intervals import proportion
from stages.metrics.paired import paired_drop
from stages.parts import FAMILIES, TASKS
from stages.publish.collected import RANDOM
from stages.publish.collecting import reason_of
from stages.publish.comparing import verdict_of
from stages.publish.drift import WeekOfUse, cells_of, week_against
from stages.publish.use_policy import UsePolicy
from stages.runtime import steps
from stages.store import Store
from stages.studio.planted_faults import out_of_fold_scores
from stages.train.distributed.single_threaded import load_single_threaded
from stages.train.heads.backbone import backbone_file
from stages.train.search.search_space import DEFAULTS
from tests.benchmarks.active_order import scores_of
from tests.benchmarks.corruptions import KINDS, SIDE, corrupted

WEEKS, SHIFTED = 10, 6
EASY = ("better", "undecided")
POLICY = UsePolicy(random=0.8, doubtful=1.0, salt="a benchmark")


class Use(NamedTuple):
    """All pictures, plain and in little light, the first n and the last n: backbone
    features [2n, features] and cells [2n, cells]; and labels and whether each is of the official
    test, [n]."""

    features: np.ndarray
    cells: np.ndarray
    labels: np.ndarray
    test: np.ndarray


class Arrived(NamedTuple):
    """A week's inputs: whether each learner's live model was right, and why each was kept, '' if
    not."""

    right: dict[str, np.ndarray]
    reason: np.ndarray


@dataclass
class Learner:
    """A model, and what it learned from: rows of `Use`. `tests`: the rows of its test."""

    use: Use
    trained: np.ndarray
    tests: np.ndarray
    promoted: tuple[str, ...] = ("better",)  # verdicts on challengers that become live
    live: np.ndarray = field(init=False)  # scores of all rows

    def __post_init__(self) -> None:
        self.live = self.scores_after(self.trained)

    def scores_after(self, rows: np.ndarray) -> np.ndarray:
        """The scores of all rows by a head that learned from `rows`."""
        mean, deviation = self.use.features[rows].mean(0), self.use.features[rows].std(0)
        features = (self.use.features - mean) / np.where(deviation > 0, deviation, 1.0)
        labels = self.labels(np.arange(len(features)))
        return scores_of(features, labels, rows, np.arange(len(features)))

    def labels(self, rows: np.ndarray) -> np.ndarray:
        return self.use.labels[rows % len(self.use.labels)]

    def right(self, rows: np.ndarray) -> np.ndarray:
        """Whether the live model answers each of `rows` rightly."""
        return self.live[rows].argmax(1) == self.labels(rows)

    def learn(self, rows: np.ndarray) -> str:
        """Train a challenger on `rows`, too, and make it live if it is better; the verdict."""
        self.trained = np.concatenate([self.trained, rows])
        challenger = self.scores_after(self.trained)
        truth, tests = self.labels(self.tests), self.tests
        drop = paired_drop(truth, self.live[tests], challenger[tests])
        verdict = verdict_of(Measure(value=-drop.value, low=-drop.high, high=-drop.low, n=drop.n))
        if verdict in self.promoted:
            self.live = challenger
        return verdict

    @property
    def sure_from(self) -> float:
        """The least score from which PRECISION of the held-out answers are right."""
        labels, classes = self.labels(self.trained), int(self.use.labels.max()) + 1
        groups = [str(row % len(self.use.labels)) for row in self.trained]
        features = self.use.features[self.trained]
        scores = out_of_fold_scores(features, labels, classes, groups, DEFAULTS["l2"])
        answered = Answered(scores.max(1), scores.argmax(1) == labels)
        return next((least for least, _, right in answered.rows if right >= PRECISION), 1.0)


def main() -> None:
    """Print a line for each week, and the figures of the test at the end."""
    options = argparse.ArgumentParser()
    options.add_argument("folder", type=Path)
    options.add_argument("--features", type=Path, help="kept in this file, and read from it again")
    options.add_argument("--seed", type=int, default=0)
    chosen = options.parse_args()
    if chosen.features is None or not chosen.features.is_file():
        use = read(chosen.folder)
        if chosen.features:
            np.savez(chosen.features, **use._asdict())
    else:
        with np.load(chosen.features) as found:
            use = Use(**found)
    simulate(use, chosen.seed)


def simulate(use: Use, seed: int) -> None:
    """Ten weeks of use."""
    rng, count = np.random.default_rng(seed), len(use.labels)
    order = rng.permutation(count)  # whose split they were is not looked at
    first, tests, arriving = np.split(order, [count * 3 // 10, count // 2])
    product, person = Learner(use, first, tests), Learner(use, first, tests, EASY)
    never, drawn = Learner(use, first, tests), Learner(use, first, tests, EASY)
    arrived: list[Arrived] = []
    print(f"{len(first)} samples to begin with, {len(tests)} tests, {len(arriving)} in use")
    for week, inputs in enumerate(np.array_split(arriving, WEEKS), 1):
        rows = inputs + (count if week >= SHIFTED else 0)
        reason = reasons(person, rows)
        shared = rows[reason == RANDOM]
        learners = {
            "promoted unless worse": person,
            "promoted if better": product,
            "never learns": never,
            "of random samples": drawn,
        }
        print_week(week, learners, rows, person.right(shared), drift(person, week, shared, tests))
        into_test = shared[rng.random(len(shared)) < 0.5]
        learnt = np.setdiff1d(rows[reason != ""], into_test)
        right = {name: learner.right(rows) for name, learner in learners.items()}
        arrived.append(Arrived(right, reason))
        free = np.setdiff1d(rows, into_test)
        for learner in (person, product, drawn):
            learner.tests = np.concatenate([learner.tests, into_test])
        drawn.learn(rng.choice(free, min(len(learnt), len(free)), replace=False))
        print(
            f"  challenger: {person.learn(learnt)}, {len(learnt)} samples; {product.learn(learnt)}"
        )
    conclude(person, tests + count, arrived)


def reasons(learner: Learner, rows: np.ndarray) -> np.ndarray:
    """Why each of `rows` is kept, '' if it is not."""
    sure_from, found = learner.sure_from, []
    for row in rows:
        score = float(learner.live[row].max())
        answer = {"labels": [{"label": "a", "score": score}], "sure": score >= sure_from}
        found.append(reason_of(answer, "", POLICY, f"{row:064x}"))
    return np.array(found)


def drift(learner: Learner, week: int, shared: np.ndarray, tests: np.ndarray) -> WeekOfUse:
    """The week's random share against the first test, of which nothing was learnt."""
    facts = np.hstack([learner.use.cells, np.log(learner.live.clip(1e-9))])
    return week_against(str(week), len(shared), facts[tests], facts[shared])


def print_week(
    week: int,
    learners: dict[str, Learner],
    rows: np.ndarray,
    shared: np.ndarray,
    found: WeekOfUse,
) -> None:
    when = f"week {week:2}{', shifted' if week >= SHIFTED else ''}"
    drifted = "drift" if found.differs else "no drift"
    listed = [f"{name} {learner.right(rows).mean():.1%}" for name, learner in learners.items()]
    print(f"{when}: random share {counted(shared)}; {drifted} (p {found.p:.3f})")
    print(f"  all {len(rows)}: {', '.join(listed)}")


def conclude(learner: Learner, truth: np.ndarray, arrived: list[Arrived]) -> None:
    """Figures beside the truth: when inputs arrived, and of the last model on its test."""
    for name in arrived[0].right:
        shifted = np.concatenate([each.right[name] for each in arrived[SHIFTED - 1 :]])
        print(f"all inputs of the shifted weeks, {name}: {counted(shifted)}")
    right = np.concatenate([next(iter(each.right.values())) for each in arrived])
    reason = np.concatenate([each.reason for each in arrived])
    print(f"when they arrived, the random share: {counted(right[reason == RANDOM])}")
    print(f"  all inputs, which is the truth: {counted(right)}")
    print(f"  all that was kept, were it the test: {counted(right[reason != ''])}")
    count = len(learner.use.labels)
    shifted = learner.right(learner.tests[learner.tests >= count])
    print(f"the last model on the test's shifted part: {counted(shifted)}")
    print(f"  on the first test's pictures in little light: {counted(learner.right(truth))}")


def counted(right: np.ndarray) -> str:
    """The accuracy of answers with its interval."""
    return measured(proportion(int(right.sum()), len(right)))


def read(folder: Path) -> Use:
    """The features and cells of all pictures in `folder`, by the frozen backbone."""
    names = sorted(path.name for path in (folder / "train").iterdir())
    family = FAMILIES["efficientnet_lite0"]
    empty = Dataset(task="image_classification", labels=tuple(names), revision="", counts={})
    before = [step.model_dump() for step in TASKS[empty.task]().before(family, family.size, empty)]
    files = [
        (path, label, split == "test")
        for split in ("train", "test")
        for label, name in enumerate(names)
        for path in sorted((folder / split / name).iterdir())
    ]
    features, cells = [], []
    with TemporaryDirectory() as place:
        store = Store(FolderBlobs(Path(place) / "store"), Path(place) / "cache")
        network = load_single_threaded(str(backbone_file(family, store).path))
        for is_shifted in (False, True):
            for number, (path, _, _) in enumerate(files):
                data = path.read_bytes()
                windows = steps.prepared(
                    before, corrupted(data, len(KINDS) * number) if is_shifted else saved(data)
                ).windows
                features.append(network(windows)[0])
                cells.append(cells_of(np.asarray(windows, np.float64).mean(axis=0)))
    return Use(
        np.stack(features),
        np.stack(cells),
        np.array([label for _, label, _ in files]),
        np.array([is_test for _, _, is_test in files]),
    )


def saved(data: bytes) -> bytes:
    """The picture as `corrupted` saves it, without a corruption."""
    picture = Image.open(io.BytesIO(data)).convert("RGB")
    picture.thumbnail((SIDE, SIDE))
    stream = io.BytesIO()
    picture.save(stream, "PNG")
    return stream.getvalue()


if __name__ == "__main__":
    main()
