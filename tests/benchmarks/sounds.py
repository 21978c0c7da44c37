"""Sound classification on a dataset with folds, such as ESC-10:
`python -m tests.benchmarks.sounds FOLDER [WAY ...]`.

FOLDER has class folders and folds.csv (file, label, fold). Each fold is the test split once, with
training on the others; the model of the last is also deployed. WAYs are names in `WAYS`; by default
all but yamnet, whose weights come without a licence. The baseline is a logistic regression on the
mean and deviation of each clip's log-mel bands."""

import csv
import logging
import shutil
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from stages.artifacts import Dataset, Model, Report
from stages.config import PipelineConfig
from stages.etl import source
from stages.etl.manifest import samples_of
from stages.parts import STAGES
from stages.runner.resolve import resolve
from stages.runtime.sounds import decode_sound
from stages.runtime.spectrograms import log_mel
from stages.settings import Settings
from stages.store import Store
from tests.benchmarks.pipelines import dataset_of, services_of

WAYS = {
    "vision": {"families": ["efficientnet_lite0"]},
    "heads": {"families": ["efficientnet_lite0"], "finetune": {"trials": 0}},  # a minute a fold
    "small_audio": {"families": ["small_audio"], "trials": 3},  # one takes a minute on two cores
    "yamnet": {"families": ["yamnet"]},
}
BASELINE = "log-mel statistics"
PUBLISHED = (
    "ESC-10 as published (Piczak, ESC: Dataset for Environmental Sound Classification, 2015, "
    "doi:10.1145/2733373.2806390): random forest 72.7 %, people 95.7 %"
)
RATE = 16000


def main(folder: str, *ways: str) -> None:
    """Print the accuracy of each of `ways` on each fold of the data in `folder`, and the mean."""
    logging.disable(logging.INFO)  # Great Expectations reports every folder that it makes
    chosen = ways or ("vision", "small_audio")
    with TemporaryDirectory(prefix="aiwf-sounds-") as work:
        settings = Settings(workspace=Path(work) / "workspace")
        rows = list(csv.DictReader((Path(folder) / "folds.csv").open()))
        folds = sorted({row["fold"] for row in rows})
        print_row(["fold", BASELINE, *chosen])
        found = []
        for fold in folds:
            data = laid_out(Path(folder), rows, fold, Path(work) / f"fold{fold}")
            source.add(f"fold{fold}", data, settings)
            found.append(accuracies(f"fold{fold}", chosen, settings, last=fold == folds[-1]))
            print_row([fold, *map(percent, found[-1])])
        print_row(["mean", *map(percent, np.mean(found, axis=0))])
    print(PUBLISHED)


def laid_out(folder: Path, rows: Sequence[dict[str, str]], fold: str, out: Path) -> Path:
    """The clips of `folder` with a labels.csv that makes `fold` the test split."""
    shutil.copytree(folder, out, ignore=shutil.ignore_patterns("*.csv", "*.txt"))
    with (out / "labels.csv").open("w") as file:
        writer = csv.writer(file)
        writer.writerow(["file", "label", "split", "group"])
        for row in rows:
            split = "test" if row["fold"] == fold else "train"
            writer.writerow([row["file"], row["label"], split, f"fold {row['fold']}"])
    return out


def accuracies(data: str, ways: Sequence[str], settings: Settings, last: bool) -> list[float]:
    """The accuracy of the baseline and of each of `ways` on the test split of one Dataset."""
    services = services_of(settings)
    dataset = dataset_of(config(data, ways[0]), settings, services)
    values = [baseline(dataset, services["store"])]
    for way in ways:
        pipeline = resolve(config(data, way), settings)
        start = time.perf_counter()
        model = STAGES["train"](dataset, pipeline.slice("train"), **services)
        report = STAGES["evaluate"](model, dataset, pipeline.slice("evaluate"), **services)
        values.append(report.overall["accuracy"].value)
        summary = f"{model.hyperparameters}, held out {model.selection['measures']['accuracy']:.3f}"
        print(f"    {way}: {summary}, {time.perf_counter() - start:.0f} s", flush=True)
        if last:
            packed(pipeline, dataset, model, report, services)
    return values


def config(data: str, way: str) -> PipelineConfig:
    fields = {"name": way, "task": "sound_classification", "data": data, "train": WAYS[way]}
    return PipelineConfig.model_validate(fields)


def packed(
    pipeline: PipelineConfig,
    dataset: Dataset,
    model: Model,
    report: Report,
    services: dict[str, Any],
) -> None:
    """Deploy as device_sdk, and print the outcome of each number format."""
    config = pipeline.slice("deploy", "device_sdk")
    package = STAGES["deploy"](model, report, dataset, config, **services)
    print(f"    package: {package.numeric}, {package.size_bytes / 1e6:.2f} MB", flush=True)
    for rung in package.rungs:
        fields = ("numeric", "kept", "why", "network_bytes")
        print(f"      {', '.join(str(rung.get(field)) for field in fields)}", flush=True)


def baseline(dataset: Dataset, store: Store) -> float:
    """The accuracy of scikit-learn's logistic regression on `statistics`."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    training = [sample for sample in samples_of(dataset, store) if sample.split != "test"]
    tested = samples_of(dataset, store, "test")
    head = make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000))
    head.fit(
        [statistics(store.get(sample.digest)) for sample in training],
        [sample.label for sample in training],
    )
    right = head.predict([statistics(store.get(sample.digest)) for sample in tested])
    return float(np.mean(right == [sample.label for sample in tested]))


def statistics(data: bytes) -> np.ndarray:
    """Mean and deviation over time of each of 64 log-mel bands."""
    wave = decode_sound(data, RATE)
    mel = log_mel(wave, rate=RATE, window=400, hop=160, bands=64, low=50, high=RATE / 2)
    return np.concatenate([mel.mean(axis=1), mel.std(axis=1)])


def percent(share: float) -> str:
    return f"{100 * share:.2f}"


def print_row(cells: Sequence[str]) -> None:
    print("".join(f"{cell:<20}" for cell in cells), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
