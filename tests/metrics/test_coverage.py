"""Intervals hold the true value as often as they promise: counted where the truth is known."""

import numpy as np
import pytest
from scipy.special import comb
from scipy.stats import multinomial

from stages.metrics.intervals import f1, proportion, wilson
from stages.metrics.macro import macro
from stages.metrics.paired import balanced_drop, loss_rise, paired_drop, tango

WORLDS = 500
PROMISED = 0.93  # of 95 %: 500 worlds tell it to about 2 points


def world(labels, wrong, seed=1):
    """Shares of every (true, predicted) pair: uneven labels, uneven confusions."""
    rng = np.random.default_rng(seed)
    mistakes = rng.dirichlet(np.ones(labels * labels)).reshape(labels, labels)
    np.fill_diagonal(mistakes, 0)
    right = np.diag(rng.dirichlet(np.full(labels, 8.0))) * (1 - wrong)
    return mistakes / mistakes.sum() * wrong + right


def holds(measure, value):
    return measure.low - 1e-12 <= value <= measure.high + 1e-12


@pytest.mark.parametrize("n", [10, 50, 300])
def test_a_share_is_covered_exactly_so_often(n):
    shares = np.linspace(0.02, 0.98, 97)
    counts = np.arange(n + 1)
    bounds = np.array([wilson(count, n) for count in counts])
    chances = comb(n, counts) * shares[:, None] ** counts * (1 - shares[:, None]) ** (n - counts)

    inside = (bounds[:, 0] <= shares[:, None]) & (shares[:, None] <= bounds[:, 1])
    covered = (chances * inside).sum(axis=1)

    assert 0.945 < covered.mean() < 0.965
    assert covered.min() > 0.83  # Wilson's known worst case, near 0 and 1


@pytest.mark.parametrize(
    ("labels", "wrong", "n"), [(2, 0.1, 100), (2, 0.12, 390), (3, 0.1, 60), (10, 0.16, 300)]
)
def test_macro_means_are_covered(labels, wrong, n):
    shares = world(labels, wrong)
    hits, has, gets = np.diag(shares), shares.sum(axis=1), shares.sum(axis=0)
    true = {
        "macro_precision": (hits / gets).mean(),
        "macro_recall": (hits / has).mean(),
        "macro_f1": (2 * hits / (has + gets)).mean(),
        "balanced_accuracy": (hits / has).mean(),
    }
    rng = np.random.default_rng(7)

    covered = dict.fromkeys(true, 0)
    for seed in range(WORLDS):
        counts = rng.multinomial(n, shares.ravel()).reshape(labels, labels)
        measures = macro(counts, seed)
        for name, value in true.items():
            covered[name] += holds(measures[name], value)

    assert min(covered.values()) >= PROMISED * WORLDS, covered


@pytest.mark.parametrize(("hit", "missed", "false"), [(0.2, 0.05, 0.02), (0.06, 0.02, 0.03)])
def test_f1_and_recall_are_covered(hit, missed, false):
    rng = np.random.default_rng(3)
    drawn = rng.multinomial(200, [hit, missed, false, 1 - hit - missed - false], size=2000)

    f1_covered = np.mean(
        [holds(f1(*row[:3]), 2 * hit / (2 * hit + missed + false)) for row in drawn]
    )
    recalls = [proportion(int(row[0]), int(row[0] + row[1])) for row in drawn]
    recall_covered = np.mean([holds(recall, hit / (hit + missed)) for recall in recalls])

    assert f1_covered >= PROMISED
    assert recall_covered >= PROMISED


@pytest.mark.parametrize(
    ("lost", "won", "n"), [(0.05, 0.02, 100), (0.02, 0.005, 200), (0.1, 0.02, 60), (0.03, 0.03, 60)]
)
def test_the_paired_drop_is_covered(lost, won, n):
    most = range(26)  # more discordant pairs than this hardly ever come
    counts = [(first, other) for first in most for other in most if first + other <= n]

    chances = multinomial.pmf(
        [(*pair, n - sum(pair)) for pair in counts], n, [lost, won, 1 - lost - won]
    )
    bounds = [tango(*pair, n) for pair in counts]
    covered = [low <= lost - won <= high for low, high in bounds]

    assert chances.sum() > 0.999
    assert chances[covered].sum() >= PROMISED


@pytest.mark.parametrize("counts", [(40, 40, 40), (80, 30, 10)])
def test_the_drop_of_means_over_labels_is_covered(counts):
    rng, truth = np.random.default_rng(5), np.repeat([0, 1, 2], counts)
    lost, won = np.array([0.02, 0.15, 0.1])[truth], np.array([0.05, 0.03, 0.1])[truth]
    wrong = (truth + 1) % 3

    covered = 0
    for _ in range(WORLDS):
        draw = rng.random(len(truth))
        before = np.where((draw >= lost) & (draw < lost + won), wrong, truth)
        covered += holds(balanced_drop(truth, before, np.where(draw < lost, wrong, truth)), 0.03)

    assert covered >= PROMISED * WORLDS


def test_with_as_many_of_each_label_it_is_nearly_the_drop_of_all_samples():
    rng, truth = np.random.default_rng(5), np.repeat([0, 1, 2], 40)
    before, after = (np.where(rng.random(120) < 0.2, (truth + 1) % 3, truth) for _ in range(2))

    balanced, other = balanced_drop(truth, before, after), paired_drop(truth, before, after)

    assert balanced.value == pytest.approx(other.value)
    assert (balanced.low, balanced.high) == pytest.approx((other.low, other.high), abs=0.01)


def test_a_rise_of_losses_is_covered():
    rng = np.random.default_rng(6)
    drawn = [rng.exponential(0.5, (2, 80)) for _ in range(WORLDS)]

    covered = sum(holds(loss_rise(*losses), 0.0) for losses in drawn)

    assert covered >= PROMISED * WORLDS
