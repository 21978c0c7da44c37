"""Real data for the benchmark of architecture searches: samples as files, windows of them for the
searched family, and the answers of a teacher."""

import csv
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

import numpy as np

from stages.artifacts import Dataset
from stages.blobs.folder import FolderBlobs
from stages.config import TrainConfig
from stages.config.device import Device
from stages.parts import FAMILIES, TASKS
from stages.runtime import steps
from stages.store import Store
from stages.train.distillation.search_teacher import answers_of_folds
from stages.train.distributed.single_threaded import load_single_threaded
from stages.train.heads.backbone import backbone_file
from stages.train.heads.problem import Problem
from stages.train.heads.windows import Windows
from stages.train.search.search_space import Input

ARMS = ("evolution", "random")  # beside train.controller and the hand designs
LIMITS = {"digits": (30_000, 1_000_000, 32, 9)}  # parameters, MACs, side of pictures, epochs
DEFAULT_LIMITS = (60_000, 4_000_000, 64, 27)
SPLITS = ("train", "validation", "test")


class Data(NamedTuple):
    """Samples as files, with the index of their label and their split, each [n]."""

    task: str
    names: list[str]
    files: list[bytes]
    labels: np.ndarray
    splits: np.ndarray


class Prepared(NamedTuple):
    """What the networks learn from, and the test split: windows, the row of each, labels [n]."""

    problem: Problem
    test: np.ndarray
    test_rows: np.ndarray
    truth: np.ndarray


def opened(
    what: str, place: Path, seed: int = 0, teacher: str = ""
) -> tuple[TrainConfig, Prepared]:
    """The config of a search on `what`, digits or a folder, with one `seed`; and what its networks
    learn from. `place`: a folder for the files of the `teacher`."""
    data = digits() if what == "digits" else read(Path(what))
    config = config_of(what, data.task, seed, teacher)
    return config, prepare(data, config, place)


def digits(seed: int = 0) -> Data:
    """The digits as PNG files; 500 are trained on, 400 validate, the others are the test."""
    from PIL import Image
    from sklearn.datasets import load_digits

    files, found = [], load_digits()
    for picture in found.images:
        out = BytesIO()
        Image.fromarray((picture * 255 / 16).astype(np.uint8)).save(out, "PNG")
        files.append(out.getvalue())
    places = np.random.default_rng(seed).permutation(len(files))
    splits = np.array(SPLITS)[np.searchsorted([500, 900], places, "right")]
    names = [str(name) for name in found.target_names]
    return Data("image_classification", names, files, found.target, splits)


def read(folder: Path, seed: int = 0) -> Data:
    """The samples of `folder`."""
    table = folder / "folds.csv"
    if table.exists():
        rows = list(csv.reader(table.read_text().splitlines()))[1:]
        paths = [folder / row[0] for row in rows]
        folds = np.array([int(row[-1]) for row in rows])
        last = folds.max()
        splits = np.select([folds == last, folds == last - 1], ["test", "validation"], "train")
        task = "sound_classification"
    else:
        paths = sorted(folder.glob("train/*/*")) + sorted(folder.glob("test/*/*"))
        drawn = np.random.default_rng(seed).random(len(paths)) < 0.25
        is_test = np.array([path.parts[-3] == "test" for path in paths])
        splits = np.select([is_test, drawn], ["test", "validation"], "train")
        task = "image_classification"
    names = sorted({path.parent.name for path in paths})
    labels = np.array([names.index(path.parent.name) for path in paths])
    return Data(task, names, [path.read_bytes() for path in paths], labels, splits)


def windows_of(data: Data, family: str, size: int) -> list[np.ndarray]:
    """The windows of each sample for `family`."""
    empty = Dataset(task=data.task, labels=tuple(data.names), revision="", counts={})
    before = TASKS[data.task]().before(FAMILIES[family], size, empty)
    dumped = [step.model_dump() for step in before]
    return [steps.prepared(dumped, content).windows for content in data.files]


def prepare(data: Data, config: TrainConfig, place: Path) -> Prepared:
    """`data` for the searched family, with the teacher's answers if `config` has one."""
    name = config.families[0]
    size = config.input_sizes[0] if config.input_sizes else FAMILIES[name].size
    every, is_test = windows_of(data, name, size), data.splits == "test"
    learnt_from = np.flatnonzero(~is_test)
    folds = np.where(data.splits[learnt_from] == "validation", 0, -1)
    features = {Input(name, size).name: Windows.of([every[row] for row in learnt_from])}
    whole = np.ones(len(learnt_from), bool)
    problem = Problem(features, data.labels[learnt_from], folds, whole, len(data.names), 1)
    if config.distils:
        problem = replace(
            problem, teacher_logits=teacher_answers(problem, data, learnt_from, config, place)
        )
    test = [every[row] for row in np.flatnonzero(is_test)]
    rows = np.repeat(np.arange(len(test)), [len(each) for each in test])
    return Prepared(problem, np.concatenate(test), rows, data.labels[is_test])


def teacher_answers(
    problem: Problem, data: Data, rows: np.ndarray, config: TrainConfig, place: Path
) -> np.ndarray:
    """The teacher's answers to `rows` of the data."""
    family = FAMILIES[config.distils.teacher]
    store = Store(FolderBlobs(place / "store"), place / "cache")
    network = load_single_threaded(str(backbone_file(family, store).path))
    own = data._replace(files=[data.files[row] for row in rows])
    features = [network(each).mean(axis=0) for each in windows_of(own, family.name, family.size)]
    name = Input(family.name, family.size).name
    return answers_of_folds(problem, name, np.stack(features), config)


def config_of(what: str, task: str, seed: int, teacher: str) -> TrainConfig:
    parameters, macs, side, epochs = LIMITS.get(what, DEFAULT_LIMITS)
    pictures = task == "image_classification"
    return TrainConfig(
        families=("searched_image" if pictures else "searched_audio",),
        input_sizes=(side,) if pictures else (),
        architecture="search",
        baselines=ARMS,
        folds=1,
        epochs=epochs,
        metric="accuracy",
        seed=seed,
        device=Device(parameters=parameters, macs=macs),
        distil={"family": "searched_image", "teacher": teacher} if teacher else "off",
    )
