"""A small fine-tuning problem: feature maps that a real backbone's stem gives for noise in which
the colour of a corner tells the label."""

import numpy as np
import paddle
import pytest

from stages.models.backbone_split import frozen_stem
from stages.models.network import Head
from stages.parts import FAMILIES
from stages.train.finetune.finetune_problem import FinetuneCandidate, FinetuneProblem, split_name
from stages.train.heads.problem import Problem
from stages.train.heads.windows import Windows
from stages.train.search.search_space import Input

INPUT = Input("efficientnet_lite0", 64)
SAMPLES, CLASSES, VIEWS = 36, 3, 1
PLAIN = {
    "input": INPUT.name,
    "freeze": "most",
    "learning_rate": 2e-3,
    "warm_up": 0.1,
    "layer_decay": 0.8,
    "weight_decay": 0.01,
    "batch_size": 8,
    "label_smoothing": 0.1,
    "mixing": "none",
    "average": 0.9,
    "interpolation": 1.0,
    "dropout": 0.1,
    "head": "linear",
    "class_balance": "none",
}


def feature_maps() -> Windows:
    """For each sample and view, the stem's output for noise with a coloured corner; every third
    sample has two windows."""
    rng = np.random.default_rng(0)
    rows = []
    for sample in range(SAMPLES):
        for _ in range(VIEWS + 1):
            pictures = rng.normal(size=(1 + (sample % 3 == 0), 3, 64, 64)).astype(np.float32)
            pictures[:, sample % CLASSES, :32, :32] += 2
            rows.append(pictures)
    stem = frozen_stem(FAMILIES[INPUT.family], FAMILIES[INPUT.family].load(), 12)
    windows = Windows.of(rows)
    with paddle.no_grad():
        feature_maps = stem(paddle.to_tensor(windows.values)).numpy()
    return Windows(feature_maps.astype(np.float16), windows.starts)


def blank_head() -> dict:
    """A linear head of zeros."""
    head = Head(1280, 0, CLASSES)
    return {
        f"head.{name}": np.zeros(parameter.shape, np.float32)
        for name, parameter in head.named_parameters()
    }


@pytest.fixture(scope="session")
def finetune_problem() -> FinetuneProblem:
    return problem_of()


def problem_of() -> FinetuneProblem:
    """The problem itself, also for what writes the table of `test_curves.py`."""
    samples = np.repeat(np.arange(SAMPLES), VIEWS + 1)
    plain = np.arange(len(samples)) % (VIEWS + 1) == 0
    features = np.random.default_rng(1).normal(size=(len(samples), 1280)).astype(np.float32)
    heads = Problem(
        {INPUT.name: features}, samples % CLASSES, samples // CLASSES % 3, plain, CLASSES, 3
    )
    plain_head = {"input": INPUT.name, "head": "linear", "l2": 0.1, "class_balance": "none"}
    published = FAMILIES[INPUT.family].load()
    candidate = FinetuneCandidate(INPUT, published, blank_head(), plain_head)
    return FinetuneProblem(
        heads,
        {INPUT.name: candidate},
        {split_name(INPUT, "most"): feature_maps()},
        VIEWS,
        shards=2,
        epochs=6,
    )
