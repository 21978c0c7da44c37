"""How many planted faults the studio's suspects find:
`python -m tests.benchmarks.suspects FOLDER`, with FOLDER/train/<label> and FOLDER/test/<label>.

Labels of the training pictures are flipped, 5 % and 30 %, and suspects are ranked by out-of-fold
scores of our logistic head, which learned from the flipped labels: by the studio, by the model's
loss, at random, and by cleanlab if `--cleanlab PYTHON` names a Python that has it (its licence is
not ours, so it is in no environment of the product). Printed are precision at k = planted, which is
recall, too, with the 95 % interval over SEEDS, and the accuracy on the official test after the
first MENDED suspects of each got their true labels.

Copies of training pictures, saved anew, smaller or brighter, are planted in the test, and found as
etl finds near duplicates. `--boxes FILE`, an unseen.json of a detector: boxes are shifted or
dropped in its truth; its answers are of a model that learned from the unchanged boxes."""

import argparse
import io
import json
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from PIL import Image, ImageEnhance

from stages.etl.duplicates import near_pairs
from stages.media.pictures import fingerprint_of
from stages.runtime.pictures import shown_picture
from stages.studio.planted_faults import (
    faulty_boxes,
    flipped,
    found_of,
    out_of_fold_scores,
)
from stages.studio.suspects import box_doubt, label_doubts
from stages.train.search.search_space import DEFAULTS
from tests.benchmarks.active_order import cached_pictures, interval, scores_of
from tests.benchmarks.small_data import Pictures

SHARES, SEEDS, MENDED = (0.05, 0.3), 5, 100
COPIES = 30  # pictures that are planted in the test, of each sort
CLEANLAB = """
import sys
import numpy as np
from cleanlab.filter import find_label_issues
from cleanlab.rank import get_label_quality_scores
with np.load(sys.argv[1]) as found:
    labels, scores = found["labels"], found["scores"]
for method in ("self_confidence", "normalized_margin"):
    issues = find_label_issues(labels, scores, return_indices_ranked_by=method)
    quality = get_label_quality_scores(labels, scores, method=method)
    rest = [row for row in np.argsort(quality, kind="stable") if row not in set(issues)]
    print(*issues, *rest)
"""
CLEANLAB_BOXES = """
import json, sys
import numpy as np
from cleanlab.object_detection.rank import get_label_quality_scores
with open(sys.argv[1]) as file:
    found = json.load(file)
classes = 1 + max(box[-1] for kind in found.values() for boxes in kind for box in boxes)
labels, predictions = [], []
for truth, answers in zip(found["truth"], found["answers"]):
    boxes = np.array(truth, float).reshape(-1, 5)
    labels.append({"bboxes": boxes[:, :4], "labels": boxes[:, 4].astype(int)})
    rows = np.array(answers, float).reshape(-1, 6)
    predictions.append([rows[rows[:, 5] == label, :5] for label in range(classes)])
print(*get_label_quality_scores(labels, predictions, verbose=False))
"""
Orders = Mapping[str, np.ndarray]


def main() -> None:
    """Print a table for labels, then duplicates, then boxes."""
    options = argparse.ArgumentParser()
    options.add_argument("folder", type=Path)
    options.add_argument("--features", type=Path, help="kept in this file, and read from it again")
    options.add_argument("--cleanlab", help="a Python that has cleanlab")
    options.add_argument("--boxes", type=Path, help="unseen.json of a trained detector")
    chosen = options.parse_args()
    pictures = cached_pictures(chosen.folder, chosen.features)
    for share in SHARES:
        _labels(pictures, share, chosen.cleanlab)
    _duplicates(chosen.folder)
    if chosen.boxes:
        _boxes(json.loads(chosen.boxes.read_text()), chosen.cleanlab)


def _labels(pictures: Pictures, share: float, cleanlab: str | None) -> None:
    trained = np.flatnonzero(~pictures.test)
    truth, classes = pictures.labels[trained], len(pictures.names)
    figures: dict[str, list[tuple[float, float]]] = {}
    whole = accuracy(pictures, truth)
    before = []
    for seed in range(SEEDS):
        rng = np.random.default_rng(seed)
        labels, planted = flipped(truth, classes, share, rng)
        groups = [str(row) for row in trained]
        features = pictures.features[trained]
        scores = out_of_fold_scores(features, labels, classes, groups, DEFAULTS["l2"])
        before.append(accuracy(pictures, labels))
        for name, order in orders_of(labels, scores, rng, cleanlab).items():
            mended = labels.copy()
            mended[order[:MENDED]] = truth[order[:MENDED]]
            precision = float(planted[order[: planted.sum()]].mean())
            figures.setdefault(name, []).append((precision, accuracy(pictures, mended)))
    print(
        f"{share:.0%} of {len(truth)} labels flipped; accuracy {interval(np.array(before))}, ",
        end="",
    )
    print(f"with true labels {100 * whole:.1f} %")
    for name, found in figures.items():
        at_k, mended_accuracy = (np.array(values) for values in zip(*found, strict=True))
        print(
            f"  {name}: precision and recall at k {interval(at_k)}, "
            f"accuracy after mending {MENDED} {interval(mended_accuracy)}"
        )


def orders_of(
    labels: np.ndarray, scores: np.ndarray, rng: np.random.Generator, cleanlab: str | None
) -> Orders:
    """The samples in the order of each way, the most suspicious first."""
    own = scores[np.arange(len(labels)), labels]
    found = {
        "studio": np.argsort(-label_doubts(labels, scores)[1], kind="stable"),
        "loss": np.argsort(own, kind="stable"),
        "random": rng.permutation(len(labels)),
    }
    return found | (cleanlabs(labels, scores, cleanlab) if cleanlab else {})


def cleanlabs(labels: np.ndarray, scores: np.ndarray, python: str) -> Orders:
    """What cleanlab finds, in the order of each of its two usual scores; the rest by the score."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / "scores.npz"
        np.savez(file, labels=labels, scores=scores)
        done = subprocess.run(
            [python, "-W", "ignore", "-c", CLEANLAB, str(file)],
            capture_output=True,
            text=True,
            check=True,
        )
    first, second = (np.array(line.split(), int) for line in done.stdout.strip().splitlines())
    return {"cleanlab, self confidence": first, "cleanlab, normalised margin": second}


def accuracy(pictures: Pictures, labels: np.ndarray) -> float:
    """The accuracy on the official test of a head that learned from `labels`."""
    trained, tested = np.flatnonzero(~pictures.test), np.flatnonzero(pictures.test)
    deviation = pictures.features[trained].std(axis=0)
    features = (pictures.features - pictures.features[trained].mean(axis=0)) / deviation.clip(1e-9)
    every = pictures.labels.copy()
    every[trained] = labels
    answers = scores_of(features, every, trained, tested).argmax(axis=1)
    return float((answers == pictures.labels[tested]).mean())


def _duplicates(folder: Path) -> None:
    train = sorted((folder / "train").rglob("*.jpg"))
    test = [path.read_bytes() for path in sorted((folder / "test").rglob("*.jpg"))]
    own = [path.read_bytes() for path in train]
    for name, change in CHANGES.items():
        rng = np.random.default_rng(0)
        rows = rng.choice(len(train), min(COPIES, len(train)), replace=False)
        every = [*own, *test, *(changed(own[row], change) for row in rows)]
        pairs = near_pairs([fingerprint_of(shown_picture(data)) for data in every])
        across = {(int(a), int(b)) for a, b in np.sort(pairs, axis=1) if a < len(own) <= b}
        planted = {(int(row), len(own) + len(test) + place) for place, row in enumerate(rows)}
        found = len(planted & across)
        print(
            f"{name} copies in the test: {found} of {len(planted)} found, beside "
            f"{len(across - planted)} pairs that were not planted"
        )


CHANGES: Mapping[str, Callable[[Image.Image], Image.Image]] = {
    "saved anew": lambda picture: picture,
    "smaller": lambda picture: picture.resize((picture.width * 2 // 3, picture.height * 2 // 3)),
    "brighter": lambda picture: ImageEnhance.Brightness(picture).enhance(1.15),
}


def changed(data: bytes, change: Callable[[Image.Image], Image.Image]) -> bytes:
    out = io.BytesIO()
    change(Image.open(io.BytesIO(data)).convert("RGB")).save(out, "JPEG", quality=70)
    return out.getvalue()


def _boxes(unseen: dict[str, Any], cleanlab: str | None) -> None:
    for kind in ("dropped", "shifted"):
        for share in SHARES:
            figures: dict[str, list[float]] = {}
            for seed in range(SEEDS):
                rng = np.random.default_rng(seed)
                truth, planted = faulty_boxes(unseen["truth"], kind, share, rng)
                faulty = {"truth": truth, "answers": unseen["answers"]}
                for name, doubts in box_doubts_of(faulty, rng, cleanlab).items():
                    found = found_of(doubts, planted)
                    figures.setdefault(name, []).append(found.first / found.planted)
            print(f"boxes {kind} in {share:.0%} of {len(planted)} pictures")
            for name, at_k in figures.items():
                print(f"  {name}: precision and recall at k {interval(np.array(at_k))}")


def box_doubts_of(
    unseen: dict[str, Any], rng: np.random.Generator, cleanlab: str | None
) -> dict[str, np.ndarray]:
    """The doubt in each picture's boxes by each way; above 0, so that all are ranked."""
    pairs = zip(unseen["truth"], unseen["answers"], strict=True)
    found = {
        "studio": np.array([box_doubt(*pair) for pair in pairs]),
        "random": 1 - rng.random(len(unseen["truth"])),
    }
    if cleanlab:
        with TemporaryDirectory() as folder:
            file = Path(folder) / "unseen.json"
            file.write_text(json.dumps(unseen))
            done = subprocess.run(
                [cleanlab, "-W", "ignore", "-c", CLEANLAB_BOXES, str(file)],
                capture_output=True,
                text=True,
                check=True,
            )
        quality = np.array(done.stdout.split()[-len(unseen["truth"]) :], float)
        found["cleanlab, label quality"] = 2 - quality
    return found


if __name__ == "__main__":
    main()
