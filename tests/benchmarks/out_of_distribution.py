"""False accepts with and without rejecting unknown samples:
`python -m tests.benchmarks.out_of_distribution KNOWN UNKNOWN ... [--train YAML]`.

KNOWN is a folder that `aiwf data add` reads, with a test split; each UNKNOWN is a folder of
pictures or sounds without any label of KNOWN. Sounds are drawn as grey pictures of their log-mel
spectrograms. A package is made with `train.other: off` and one with `auto`, and both answer all
samples. Accepted: the answer is a label of KNOWN with a score of at least the package's own
recommended threshold. Recall: the share of KNOWN's test samples that get their own label, at any
score and from the threshold on. All intervals are 95 %."""

import io
import logging
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import numpy as np
import yaml
from numpy.typing import NDArray
from PIL import Image

from stages.deploy.pack import unpack
from stages.etl import source
from stages.etl.manifest import samples_of
from stages.evaluate.predictions import answers
from stages.metrics import paired_drop, proportion
from stages.parts import STAGES
from stages.runner.resolve import resolve
from stages.runtime.predictor import Predictor
from stages.runtime.sounds import decode_sound
from stages.runtime.spectrograms import log_mel
from stages.settings import Settings
from stages.tasks.sound_classification import SPECTROGRAM
from tests.benchmarks.pipelines import dataset_of, photo_pipeline, services_of

TRAIN = {"families": ["efficientnet_lite0"], "trials": 12}
PICTURES, SOUNDS = (".jpg", ".jpeg", ".png"), (".wav", ".flac", ".ogg")
DECIBELS = 80.0  # below the loudest that a drawn sound shows


class Shipped(NamedTuple):
    """A package's answers: label's index (-1: none of KNOWN's) and score, for the known test
    samples and for the unknown ones of each folder."""

    threshold: float
    truth: NDArray[np.int64]
    labelled: tuple[NDArray[np.int64], NDArray[np.float64]]
    unknown: dict[str, tuple[NDArray[np.int64], NDArray[np.float64]]]


def main(*arguments: str) -> None:
    """Print false accepts and recall of both packages."""
    logging.disable(logging.INFO)  # Great Expectations reports every folder that it makes
    train = (
        yaml.safe_load(arguments[arguments.index("--train") + 1])
        if "--train" in arguments
        else TRAIN
    )
    labelled, *folders = (
        arguments[: arguments.index("--train")] if "--train" in arguments else arguments
    )
    with TemporaryDirectory(prefix="aiwf-unknowns-") as work:
        settings = Settings(workspace=Path(work) / "workspace")
        source.add("known", Path(labelled), settings)
        unknown = {Path(folder).name: list(files(Path(folder))) for folder in folders}
        off, auto = (shipped(way, train, unknown, settings) for way in ("off", "auto"))
    print_rows(off, auto)


def files(folder: Path) -> Iterator[bytes]:
    """The bytes of all pictures below `folder`, and of its sounds as pictures."""
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() in PICTURES:
            yield path.read_bytes()
        elif path.suffix.lower() in SOUNDS:
            yield drawn(path.read_bytes())


def drawn(sound: bytes) -> bytes:
    """A grey PNG of the log-mel of `sound`, low sounds at the bottom."""
    levels = log_mel(decode_sound(sound, SPECTROGRAM["rate"]), **SPECTROGRAM)[::-1]
    shares = np.clip((levels - levels.max()) / DECIBELS + 1, 0, 1)
    out = io.BytesIO()
    Image.fromarray(np.rint(255 * shares).astype(np.uint8)).save(out, "PNG")
    return out.getvalue()


def shipped(
    other: str, train: dict[str, Any], unknown: dict[str, list[bytes]], settings: Settings
) -> Shipped:
    """Train, evaluate and deploy with `train.other` set to `other`, and let the package answer."""
    services = services_of(settings)
    unplanned = photo_pipeline(f"unknowns_{other}", {**train, "other": other}, data="known")
    pipeline = resolve(unplanned, settings)
    dataset = dataset_of(pipeline, settings, services)
    model = STAGES["train"](dataset, pipeline.slice("train"), **services)
    report = STAGES["evaluate"](model, dataset, pipeline.slice("evaluate"), **services)
    packing = pipeline.slice("deploy", "device_sdk")
    package = STAGES["deploy"](model, report, dataset, packing, **services)
    print(f"{other}: {model.hyperparameters}, {model.selection['measures']}")
    print(f"{other}: {package.numeric}, {model.selection.get('other', '')}", flush=True)
    folder = unpack(package, services["store"], settings.root / f"package_{other}")
    tested = samples_of(dataset, services["store"], "test")
    truth = np.array([dataset.labels.index(sample.label) for sample in tested])
    with Predictor.open(folder) as predictor:
        least = float(predictor.description["threshold"])
        photos = [services["store"].get(sample.digest) for sample in tested]
        labelled = answers_of(folder, photos, len(dataset.labels), settings.threads)
    answered = {
        name: answers_of(folder, photos, len(dataset.labels), settings.threads)
        for name, photos in unknown.items()
    }
    return Shipped(least, truth, labelled, answered)


def answers_of(
    folder: Path, photos: Sequence[bytes], labels: int, threads: int
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The label's index and the score that the package in `folder` gives to each of `photos`."""
    fetches = [lambda data=data: data for data in photos]
    found = answers(fetches, lambda: Predictor.open(folder), threads)
    scores = np.array(found.values)
    predicted = scores.argmax(axis=1)
    return np.where(predicted < labels, predicted, -1), scores.max(axis=1)


def print_rows(off: Shipped, auto: Shipped) -> None:
    """Print the differences between both packages."""
    for name in off.unknown:
        first, second = (accepted(shipped, shipped.unknown[name]) for shipped in (off, auto))
        line(name, first, second)
    first, second = (
        np.concatenate([accepted(shipped, shipped.unknown[name]) for name in shipped.unknown])
        for shipped in (off, auto)
    )
    line("all unknown", first, second)
    for name, least in (("recall", False), ("recall from the threshold on", True)):
        before, after = (
            (shipped.labelled[0] == shipped.truth)
            & (accepted(shipped, shipped.labelled) | (not least))
            for shipped in (off, auto)
        )
        drop = paired_drop(np.ones(len(before), int), before.astype(int), after.astype(int))
        print(
            f"{name}: {share(before)} -> {share(after)}, drop {100 * drop.value:.2f} points "
            f"({100 * drop.low:.2f} to {100 * drop.high:.2f}) of {drop.n}"
        )
    print(f"thresholds: {off.threshold:.2f} -> {auto.threshold:.2f}")


def accepted(
    shipped: Shipped, answer: tuple[NDArray[np.int64], NDArray[np.float64]]
) -> NDArray[np.bool_]:
    """Which samples get a label with a score of at least the package's own threshold."""
    predicted, score = answer
    return np.asarray((predicted >= 0) & (score >= shipped.threshold - 1e-9))


def line(name: str, before: NDArray[np.bool_], after: NDArray[np.bool_]) -> None:
    """Print both shares and their ratio with an interval; half a sample is added to each count, so
    that none is zero."""
    times = (before.sum() + 0.5) / (after.sum() + 0.5)
    wide = 1.96 * np.sqrt(1 / (before.sum() + 0.5) + 1 / (after.sum() + 0.5))
    print(
        f"{name}: {before.sum()} -> {after.sum()} of {len(before)} accepted, {share(before)} -> "
        f"{share(after)}, {times:.1f} times fewer "
        f"({times * np.exp(-wide):.1f} to {times * np.exp(wide):.1f})",
        flush=True,
    )


def share(rows: NDArray[np.bool_]) -> str:
    """A share with its interval."""
    measure = proportion(int(rows.sum()), len(rows))
    return f"{100 * measure.value:.1f} % ({100 * measure.low:.1f} to {100 * measure.high:.1f})"


if __name__ == "__main__":
    main(*sys.argv[1:])
