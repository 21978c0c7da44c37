"""Made-up pictures with boxes, and what an imperfect detector says of them."""

from typing import Any

import numpy as np

SIDE = 40.0
Boxes = list[list[list[Any]]]


def world(
    seed: int,
    pictures: int,
    labels: int,
    finds: float = 0.8,
    clustering: float = 0.0,
    most: int = 6,
) -> tuple[Boxes, Boxes]:
    """Truth and answers of `pictures`, each with 0 to `most` boxes of `labels`, the later the
    commoner. A share `finds` is found; the larger `clustering`, the more that depends on the
    picture."""
    rng = np.random.default_rng(seed)
    share = np.arange(1, labels + 1) / np.arange(1, labels + 1).sum()
    truth, answers = [], []
    for _ in range(pictures):
        eye = rng.beta(finds / clustering, (1 - finds) / clustering) if clustering else finds
        true = _placed(rng, int(rng.integers(0, most + 1)), share)
        predicted = true[rng.random(len(true)) < eye]
        predicted[:, [0, 2]] += rng.normal(0, 5, (len(predicted), 1))
        wrong = rng.random(len(predicted)) < 0.08
        predicted[wrong, 4] = rng.choice(labels, wrong.sum(), p=share)
        false = _placed(rng, int(rng.poisson(most * (1 - eye) / 2)), share)
        false[:, :4] += SIDE / 2
        scores = np.concatenate([rng.beta(4, 2, len(predicted)), rng.beta(2, 3, len(false))])
        rows = np.concatenate([predicted, false])
        truth.append(_plain(true))
        answers.append(_plain(np.insert(rows, 4, scores.round(6), axis=1)))
    return truth, answers


def _placed(rng: np.random.Generator, count: int, share: np.ndarray) -> np.ndarray:
    """Boxes in cells of a grid, so that true ones do not overlap."""
    cells = rng.permutation(64)[:count]
    left, top = cells % 8 * 50.0, cells // 8 * 50.0
    labels = rng.choice(len(share), count, p=share)
    return np.stack([left, top, left + SIDE, top + SIDE, labels], axis=1).astype(float)


def _plain(rows: np.ndarray) -> list[list[Any]]:
    return [[*(round(float(number), 6) for number in row[:-1]), int(row[-1])] for row in rows]
