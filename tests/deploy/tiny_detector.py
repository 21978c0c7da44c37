"""Trains a small detector on the scenes: `python -m tests.deploy.tiny_detector FOLDER`.

A head that three levels share, two outputs: what a family's graph looks like to deploy."""

import json
import sys
import warnings
from pathlib import Path

import numpy as np
import paddle
import paddle.nn.functional as F
from paddle import nn

from tests.deploy.tiny_network import block

STRIDES = (8, 16, 32)
TRAINED_STRIDE = 16  # the stride at which things are looked for; at the others there is nothing
REACH = 8  # pixels from a box's middle within which a point stands for it
STEPS = 240
BATCH = 12


class TinyDetector(nn.Layer):
    """(N, 3, H, W) to logits (N, P, labels) and distances (N, P, 4), in strides."""

    def __init__(self, labels: int, width: int = 24) -> None:
        super().__init__()
        self.stem = nn.Sequential(*block(3, width, 2), *block(width, 2 * width, 2))
        self.levels = nn.LayerList(
            [nn.Sequential(*block(2 * width, 2 * width, 2)) for _ in STRIDES]
        )
        self.labels = nn.Conv2D(2 * width, labels, 1)
        self.sides = nn.Conv2D(2 * width, 4, 1)
        self.labels.bias.set_value(paddle.full([labels], -4.0))

    def forward(self, image):
        features, found = self.stem(image), []
        for level in self.levels:
            features = level(features)
            found.append(features)
        logits = paddle.concat(
            [points(self.labels(level_features)) for level_features in found], axis=1
        )
        sides = paddle.concat(
            [points(F.relu(self.sides(level_features))) for level_features in found], axis=1
        )
        return logits, sides


def points(level):
    return level.flatten(2).transpose([0, 2, 1])


def targets(boxes: list[list[float]], side: int, labels: int):
    """What each point should say: labels [P, labels], distances [P, 4] in strides."""
    wanted, away = [], []
    for stride in STRIDES:
        y, x = ((np.mgrid[0 : side // stride, 0 : side // stride] + 0.5) * stride).reshape(2, -1)
        level, sides = np.zeros((len(x), labels)), np.zeros((len(x), 4))
        for left, top, right, bottom, label in boxes if stride == TRAINED_STRIDE else []:
            near = (abs(x - (left + right) / 2) <= REACH) & (abs(y - (top + bottom) / 2) <= REACH)
            level[near, int(label)] = 1
            edges = np.stack([x - left, y - top, right - x, bottom - y], axis=1)
            sides[near] = np.maximum(edges[near], 0) / stride
        wanted.append(level)
        away.append(sides)
    return np.concatenate(wanted), np.concatenate(away)


def train(network: nn.Layer, pictures: np.ndarray, wanted: np.ndarray, away: np.ndarray) -> None:
    """Some hundred steps of Adam, always the same."""
    adam = paddle.optimizer.Adam(3e-3, parameters=network.parameters())
    rng = np.random.default_rng(0)
    network.train()
    for _ in range(STEPS):
        rows = rng.choice(len(pictures), BATCH)
        logits, sides = network(paddle.to_tensor(pictures[rows]))
        truth, edges = paddle.to_tensor(wanted[rows]), paddle.to_tensor(away[rows])
        found = truth.max(axis=2, keepdim=True)
        count = found.sum() + 1
        loss = F.binary_cross_entropy_with_logits(logits, truth, reduction="sum") / count
        loss = loss + ((sides - edges).abs() * found).sum() / count
        loss.backward()
        adam.step()
        adam.clear_grad()
    network.eval()


def main(folder: Path) -> None:
    """Read windows.npy and truth.json in `folder`; write graph.json and graph.pdiparams."""
    warnings.simplefilter("ignore")
    paddle.seed(0)
    pictures, truth = (
        np.load(folder / "windows.npy"),
        json.loads((folder / "truth.json").read_text()),
    )
    labels = 1 + int(max(box[4] for boxes in truth for box in boxes))
    pairs = [targets(boxes, pictures.shape[2], labels) for boxes in truth]
    wanted, away = (np.stack(part).astype(np.float32) for part in zip(*pairs, strict=True))
    network = TinyDetector(labels)
    train(network, pictures, wanted, away)
    image = paddle.static.InputSpec([None, 3, None, None], "float32", "image")
    paddle.jit.save(network, str(folder / "graph"), input_spec=[image])


if __name__ == "__main__":
    main(Path(sys.argv[1]))
