"""A small question: what a real backbone's front makes of noise in which a corner's colour tells
the label."""

import numpy as np
import paddle
import pytest

from stages.models.backbone_split import frozen_stem
from stages.models.network import Head
from stages.parts import FAMILIES
from stages.train.finetune.finetune_problem import Finalist, Question, at
from stages.train.heads.problem import Problem
from stages.train.heads.windows import Windows
from stages.train.search.search_space import Input

ONE = Input("efficientnet_lite0", 64)
SAMPLES, CLASSES, VIEWS = 36, 3, 1
PLAIN = {
    "input": ONE.name,
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


def maps() -> Windows:
    """Of each sample and view, what the front makes of noise with a coloured corner; every third
    sample has two windows."""
    rng = np.random.default_rng(0)
    rows = []
    for sample in range(SAMPLES):
        for _ in range(VIEWS + 1):
            pictures = rng.normal(size=(1 + (sample % 3 == 0), 3, 64, 64)).astype(np.float32)
            pictures[:, sample % CLASSES, :32, :32] += 2
            rows.append(pictures)
    network = frozen_stem(FAMILIES[ONE.family], FAMILIES[ONE.family].load(), 12)
    seen = Windows.of(rows)
    with paddle.no_grad():
        made = network(paddle.to_tensor(seen.values)).numpy()
    return Windows(made.astype(np.float16), seen.starts)


def blank_head() -> dict:
    """A linear head that knows nothing yet."""
    head = Head(1280, 0, CLASSES)
    return {
        f"head.{name}": np.zeros(one.shape, np.float32) for name, one in head.named_parameters()
    }


@pytest.fixture(scope="session")
def question() -> Question:
    samples = np.repeat(np.arange(SAMPLES), VIEWS + 1)
    plain = np.arange(len(samples)) % (VIEWS + 1) == 0
    features = np.random.default_rng(1).normal(size=(len(samples), 1280)).astype(np.float32)
    heads = Problem(
        {ONE.name: features}, samples % CLASSES, samples // CLASSES % 3, plain, CLASSES, 3
    )
    plain_head = {"input": ONE.name, "head": "linear", "learning_rate": 0.01, "weight_decay": 0.1}
    plain_head |= {"batch_size": 16, "class_balance": "none"}
    published = FAMILIES[ONE.family].load()
    finalist = Finalist(ONE, published, blank_head(), plain_head)
    return Question(
        heads, {ONE.name: finalist}, {at(ONE, "most"): maps()}, VIEWS, shards=2, epochs=6
    )
