"""Trains a small Paddle network on shapes or tones: `python -m tests.deploy.tiny_network FOLDER`.

A process of its own, as in the train stage; a file, as Paddle reads the source of its layers."""

import json
import sys
import warnings
from pathlib import Path

import numpy as np
import paddle
from paddle import nn

SIDE = 32
STEPS = 80
BATCH = 48


class TinyNetwork(nn.Layer):
    """(N, C, H, W) to (N, labels): a smaller relative of the families, with padding as theirs."""

    def __init__(self, labels: int, channels: int = 3, width: int = 32) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            *block(channels, width, 2), *block(width, 2 * width, 2), *block(2 * width, 4 * width, 2)
        )
        self.pool = nn.AdaptiveAvgPool2D(1)
        self.head = nn.Linear(4 * width, labels)

    def forward(self, image):
        return self.head(paddle.flatten(self.pool(self.layers(image)), 1))


def block(inside: int, outside: int, stride: int) -> list[nn.Layer]:
    """Asymmetric padding in the convolution itself: what survives the way to ONNX."""
    conv = nn.Conv2D(inside, outside, 3, stride=stride, padding=[0, 1, 0, 1], bias_attr=False)
    return [conv, nn.BatchNorm2D(outside, momentum=0.7), nn.ReLU6()]


def train(network: nn.Layer, pictures: np.ndarray, truth: np.ndarray) -> None:
    """A few dozen steps of Adam, always the same."""
    adam = paddle.optimizer.Adam(3e-3, parameters=network.parameters())
    rng = np.random.default_rng(0)
    network.train()
    for _ in range(STEPS):
        rows = rng.choice(len(truth), BATCH)
        logits = network(paddle.to_tensor(pictures[rows]))
        nn.functional.cross_entropy(logits, paddle.to_tensor(truth[rows])).backward()
        adam.step()
        adam.clear_grad()
    network.eval()


def main(folder: Path) -> None:
    """Read windows.npy and truth.json in `folder`; write graph.json and graph.pdiparams."""
    warnings.simplefilter("ignore")
    paddle.seed(0)
    windows, truth = (
        np.load(folder / "windows.npy"),
        np.array(json.loads((folder / "truth.json").read_text())),
    )
    network = TinyNetwork(int(truth.max()) + 1, windows.shape[1])
    train(network, windows, truth)
    image = paddle.static.InputSpec([None, windows.shape[1], None, None], "float32", "image")
    paddle.jit.save(network, str(folder / "graph"), input_spec=[image])


if __name__ == "__main__":
    main(Path(sys.argv[1]))
