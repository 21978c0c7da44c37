"""What a plan reaches beside what a specialist would try first, in the same run:
`python -m tests.benchmarks.accuracy FOLDER [MINUTES] [SEEDS] [METRIC] [FAMILY ...]`, with
--without-finetuning for the regressions alone.

FOLDER is a folder of labelled pictures with a test split of its own, for `aiwf data add`; MINUTES
are those of `train.budget_minutes`. Beside the product stand logistic regressions by scikit-learn
on standardised features of the frozen EfficientNet-Lite0, and of the dearest frozen backbone of the
plan (C by five folds), and a plain fine-tuning of all layers of EfficientNet-Lite0 by Paddle
(AdamW, cosine, mirrored pictures) that gets as many seconds as the product's training took. All
learn from train and validation, and are measured once on the test split, and on the same pictures
corrupted (`corruptions.py`). Each number has a 95 % interval."""

import logging
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from stages.artifacts import Dataset, Measure
from stages.config import PipelineConfig, TrainConfig
from stages.etl import source
from stages.etl.manifest import Sample, samples_of
from stages.metrics.intervals import proportion
from stages.metrics.paired import paired_drop
from stages.models.network import assemble
from stages.parts import FAMILIES, STAGES
from stages.runner.resolve import resolve
from stages.settings import Settings
from stages.store import Store
from stages.train.heads.backbone import backbone_file
from stages.train.heads.features import Extractor, SampleView
from stages.train.heads.prepared import preprocessing_of
from stages.train.search.search_space import Input, inputs_of
from tests.benchmarks.corruptions import corrupted
from tests.benchmarks.pipelines import dataset_of, photo_pipeline, services_of

PLAIN = Input("efficientnet_lite0", 224)
STRENGTHS = [10.0**power for power in range(-4, 1)]  # of C, for the logistic regression
WITHOUT_FINETUNING = "--without-finetuning"
BATCH, RATE = 32, 1e-3  # of the plain fine-tuning
Scores = NDArray[np.float32]
Answers = Callable[["Split"], Scores]


class Split(NamedTuple):
    """The samples of one part of the data, with the labels' indices [n]."""

    samples: list[Sample]
    truth: NDArray[np.int64]


def main(
    folder: str,
    minutes: str = "10",
    seeds: str = "3",
    metric: str = "",
    *families: str,
    finetuned: bool = True,
) -> None:
    """Print the three figures for each seed, and how far the product is ahead."""
    logging.disable(logging.INFO)
    for seed in range(int(seeds)):
        train: dict[str, Any] = {"budget_minutes": float(minutes), "seed": seed}
        train |= {"families": families} if families else {}
        train |= {"metric": metric} if metric else {}
        compare(Path(folder), photo_pipeline("accuracy", train), seed, finetuned)


def compare(folder: Path, pipeline: PipelineConfig, seed: int, finetuned: bool = True) -> None:
    """Train in all ways in a workspace of their own, and print what they reach; `finetuned`:
    whether plain fine-tuning is among them."""
    with TemporaryDirectory(prefix="aiwf-accuracy-") as work:
        settings = Settings(workspace=Path(work))
        source.add("data", folder, settings)
        services, planned = services_of(settings), resolve(pipeline, settings)
        store = services["store"]
        dataset = dataset_of(planned, settings, services)
        learnt, test = _splits(dataset, store)
        start = time.perf_counter()
        model = STAGES["train"](dataset, planned.slice("train"), **services)
        seconds = time.perf_counter() - start
        held_out = 100 * model.selection["measures"]["accuracy"]
        product = assemble(model.family, _arrays(model, store))
        preprocessing = preprocessing_of(Input(model.family, model.input_shape[-1]), dataset, store)
        about = (dataset, learnt, services)
        ways: dict[str, Answers] = {
            f"product ({_network(model)}, held out {held_out:.1f} %)": partial(
                _answers, product, preprocessing
            ),
            **{
                f"logistic regression on {model_input.name}": _regression(model_input, *about)
                for model_input in dict.fromkeys([PLAIN, _dearest(planned.train)])
            },
        }
        if finetuned:
            ways[f"plain fine-tuning, {seconds:.0f} s"] = _finetuned(*about, seconds, seed)
        for name, split in (("test", test), ("corrupted", _corrupted(test, store))):
            _print(f"seed {seed}, {name}", test.truth, {way: ways[way](split) for way in ways})


def _splits(dataset: Dataset, store: Store) -> tuple[Split, Split]:
    """What is learnt from (train and validation), and the test split."""
    index_of = {label: index for index, label in enumerate(dataset.labels)}
    parts = []
    for splits in (("train", "validation"), ("test",)):
        samples = [each for each in samples_of(dataset, store) if each.split in splits]
        parts.append(Split(samples, np.array([index_of[each.label] for each in samples])))
    return parts[0], parts[1]


def _corrupted(test: Split, store: Store) -> Split:
    """The test split with each picture corrupted in one way."""
    digests = [
        store.add(corrupted(store.get(sample.digest), number))
        for number, sample in enumerate(test.samples)
    ]
    samples = [
        replace(sample, digest=digest) for sample, digest in zip(test.samples, digests, strict=True)
    ]
    return Split(samples, test.truth)


def _network(model: Any) -> str:
    kind = "fine-tuned" if model.selection["phase"] == 2 else model.hyperparameters["head"]
    return f"{model.hyperparameters['input']}, {kind}"


def _arrays(model: Any, store: Store) -> dict[str, Any]:
    from stages.train.heads.network import arrays_of

    return arrays_of(model, store)


def _answers(network: Any, preprocessing: Any, split: Split) -> Scores:
    """The logits of a Paddle network for the samples of `split`, [n, labels]."""
    import paddle

    network.eval()
    rows = []
    with paddle.no_grad():
        for sample in split.samples:
            windows = preprocessing.windows(SampleView(sample.digest))
            rows.append(network(paddle.to_tensor(windows)).numpy().mean(axis=0))
    return np.stack(rows)


def _dearest(config: TrainConfig) -> Input:
    """The input of the plan whose features take longest, of those with published weights; its
    weights are those of the family."""
    inputs = [each for each in inputs_of(config) if each.initialised_family.frozen]
    dearest = max(inputs, key=lambda model_input: model_input.seconds, default=PLAIN)
    return Input(dearest.family, dearest.size)


def _regression(
    model_input: Input, dataset: Dataset, learnt: Split, services: dict[str, Any]
) -> Answers:
    from sklearn.linear_model import LogisticRegressionCV
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    store, resources = services["store"], services["resources"]
    backbone = backbone_file(model_input.initialised_family, store, resources)
    preprocessing = preprocessing_of(model_input, dataset, store)
    extractor = Extractor(backbone, preprocessing, resources, lambda done: None)

    def features(split: Split) -> Scores:
        return extractor.rows([SampleView(each.digest) for each in split.samples])

    regression = make_pipeline(
        StandardScaler(),
        LogisticRegressionCV(
            Cs=STRENGTHS,
            cv=5,
            max_iter=300,
            scoring="accuracy",
            use_legacy_attributes=False,
            l1_ratios=(0,),
        ),
    )
    regression.fit(features(learnt), learnt.truth)
    return lambda split: regression.predict_proba(features(split))


def _finetuned(
    dataset: Dataset, learnt: Split, services: dict[str, Any], seconds: float, seed: int
) -> Answers:
    """Fine-tune all layers for so many `seconds`; the first epoch tells how many fit."""
    import paddle

    rng, preprocessing = (
        np.random.default_rng(seed),
        preprocessing_of(PLAIN, dataset, services["store"]),
    )
    windows = np.concatenate(
        [preprocessing.windows(SampleView(each.digest)) for each in learnt.samples]
    )
    network = _plain_network(len(dataset.labels), services["resources"])
    steps = -(-len(windows) // BATCH)
    schedule = paddle.optimizer.lr.CosineAnnealingDecay(RATE, steps)
    optimizer = paddle.optimizer.AdamW(schedule, parameters=network.parameters(), weight_decay=0.05)
    start, epochs, epoch = time.perf_counter(), 1, 0
    while epoch < epochs:
        network.train()
        order = rng.permutation(len(windows))
        for rows in np.array_split(order, steps):
            pictures = windows[rows].copy()
            mirrored = rng.random(len(rows)) < 0.5
            pictures[mirrored] = pictures[mirrored, ..., ::-1]
            logits = network(paddle.to_tensor(pictures))
            loss = paddle.nn.functional.cross_entropy(logits, paddle.to_tensor(learnt.truth[rows]))
            loss.backward()
            optimizer.step()
            optimizer.clear_grad()
            schedule.step()
        epoch += 1
        if epoch == 1:
            epochs = max(1, int(seconds / (time.perf_counter() - start)))
            schedule.T_max = epochs * steps
    return partial(_answers, network, preprocessing)


def _plain_network(labels: int, resources: Any) -> Any:
    """EfficientNet-Lite0 with its published weights and a head of random ones."""
    family = FAMILIES[PLAIN.family]
    arrays = {f"backbone.{name}": array for name, array in family.load(resources).items()}
    rng = np.random.default_rng(0)
    arrays["head.out.weight"] = rng.normal(0, 0.01, (family.features, labels)).astype(np.float32)
    arrays["head.out.bias"] = np.zeros(labels, np.float32)
    return assemble(family.name, arrays)


def _print(about: str, truth: NDArray[np.int64], scores: dict[str, Scores]) -> None:
    first = next(iter(scores.values()))
    for name, rows in scores.items():
        right = int((rows.argmax(axis=1) == truth).sum())
        line = f"{about}: {name}: {_shown(proportion(right, len(truth)))}"
        if rows is not first:
            drop = paired_drop(truth, first, rows)
            line += f"; the product is ahead by {_shown(drop)}"
        print(line, flush=True)


def _shown(measure: Measure) -> str:
    return f"{100 * measure.value:.1f} % ({100 * measure.low:.1f} to {100 * measure.high:.1f})"


if __name__ == "__main__":
    arguments = [each for each in sys.argv[1:] if each != WITHOUT_FINETUNING]
    main(*arguments, finetuned=WITHOUT_FINETUNING not in sys.argv)
