"""What a plan reaches on photos that were taken elsewhere, in the same run as what a specialist
would try first: `python -m tests.benchmarks.places FOLDER [MINUTES] [SEEDS]`.

FOLDER is a folder of labelled pictures, a folder for each label, with those to learn from in
`train` if there are several splits; a test split is not opened. Photos with like backgrounds count
as of one place: k-means of the colours along their borders. Whole places, about SHARE of the
photos, become the test split, and the others are learnt from, as in `accuracy.py`, whose figures
are printed, without plain fine-tuning."""

import logging
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tests.benchmarks.accuracy import compare
from tests.benchmarks.pipelines import photo_pipeline

PLACES = 12
SHARE = 0.3  # of the photos that are held out, at least
SIDE = 16  # pixels of the thumbnail whose border is read
PICTURES = {".jpg", ".jpeg", ".png", ".bmp", ".webp"}


def main(folder: str, minutes: str = "10", seeds: str = "1") -> None:
    """Print the figures of `accuracy.py` on held-out places, for each seed."""
    logging.disable(logging.INFO)
    for seed in range(int(seeds)):
        train: dict[str, Any] = {"budget_minutes": float(minutes), "seed": seed}
        with TemporaryDirectory(prefix="aiwf-places-") as work:
            data = laid_out(Path(folder), Path(work) / "data", seed)
            compare(data, photo_pipeline("places", train), seed, finetuned=False)


def laid_out(folder: Path, out: Path, seed: int) -> Path:
    """The photos of `folder` with whole places in `out`/test, and the others in `out`/train."""
    source = folder / "train" if (folder / "train").is_dir() else folder
    files = sorted(path for path in source.rglob("*") if path.suffix.lower() in PICTURES)
    places = places_of([border(path) for path in files], seed)
    labels = [path.parent.name for path in files]
    held_out = held_out_places(places, labels, seed)
    for path, place, label in zip(files, places, labels, strict=True):
        target = out / ("test" if place in held_out else "train") / label / path.name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)
    count = sum(place in held_out for place in places)
    print(
        f"{len(held_out)} of {PLACES} places held out, {count} of {len(files)} photos", flush=True
    )
    return out


def border(path: Path) -> NDArray[np.float64]:
    """The colours along the border of the picture in `path`: the means and deviations of each of
    its four sides, [24]."""
    with Image.open(path) as picture:
        small = np.asarray(picture.convert("RGB").resize((SIDE, SIDE)), np.float64)
    sides = (small[:2], small[-2:], small[:, :2], small[:, -2:])
    parts = [side.reshape(-1, 3) for side in sides]
    return np.concatenate([values for side in parts for values in (side.mean(0), side.std(0))])


def places_of(borders: Sequence[NDArray[np.float64]], seed: int) -> NDArray[np.int64]:
    """The place of each photo, [n]: PLACES clusters of `borders`."""
    from sklearn.cluster import KMeans

    found = KMeans(PLACES, n_init=4, random_state=seed).fit_predict(np.stack(borders))
    return np.asarray(found, np.int64)


def held_out_places(places: NDArray[np.int64], labels: Sequence[str], seed: int) -> set[int]:
    """Random places that hold SHARE of the photos at least; none whose loss would leave a label
    with fewer than a third of its photos to learn from."""
    names, held_out = np.array(labels), set[int]()
    for place in np.random.default_rng(seed).permutation(PLACES).tolist():
        if np.isin(places, [*held_out]).mean() >= SHARE:
            break
        remaining = ~np.isin(places, [*held_out, place])
        if all(remaining[names == label].mean() >= 1 / 3 for label in set(labels)):
            held_out.add(place)
    return held_out


if __name__ == "__main__":
    main(*sys.argv[1:])
