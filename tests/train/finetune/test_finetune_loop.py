"""A fine-tuned network learns, alone or in a group, can be resumed, and becomes a whole network."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Barrier

import numpy as np
import paddle
import pytest

from stages.models.backbone_split import frozen_stem
from stages.models.network import assemble
from stages.parts import FAMILIES
from stages.train.finetune.finetune_loop import FinetuneFit
from tests.train.finetune.conftest import INPUT, PLAIN, SAMPLES, blank_head

# the head's weights are zero but for those of the last label
SINGLE_COLUMN = {"head.out.weight": np.repeat([[0, 0, 0.01]], 1280, axis=0).astype(np.float32)}


@dataclass
class Pair:
    """Two threads that add up what they have."""

    rank: int
    barrier: Barrier
    board: list
    world: int = 2

    def gather(self, value):
        self.board[self.rank] = value
        self.barrier.wait()
        values = list(self.board)
        self.barrier.wait()
        return values

    def sum(self, vector):
        first, second = self.gather(vector)
        return first + second


def fit(finetune_problem, epochs: int = 2, group=None, **changes) -> FinetuneFit:
    trained = FinetuneFit(finetune_problem, PLAIN | changes, blank_head(), group)
    trained.fit(epochs, patience=100)
    return trained


def test_every_epoch_is_the_best_so_far_and_no_patience_stops_a_trial(finetune_problem):
    done = FinetuneFit(finetune_problem, PLAIN, blank_head())

    for epochs in (1, 2, 3):
        done.fit(epochs)

        assert len(done.curve) == done.best.epoch == epochs
        assert not done.exhausted(1)


@pytest.fixture(scope="module")
def alone(finetune_problem) -> FinetuneFit:
    return fit(finetune_problem)


def test_it_learns_what_can_be_learnt(finetune_problem):
    done = fit(finetune_problem, epochs=5)

    assert done.best.measures["accuracy"] > 0.9
    assert done.curve[-1]["train_loss"] < done.curve[0]["train_loss"]


def test_two_workers_train_what_one_does(finetune_problem, alone):
    barrier, board = Barrier(2), [None, None]
    pair = [Pair(rank, barrier, board) for rank in range(2)]
    # layers are made one after the other: Paddle's seed is the process's
    fits = [FinetuneFit(finetune_problem, PLAIN, blank_head(), group) for group in pair]
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda worker_fit: worker_fit.fit(2, patience=100), fits))

    for worker_fit in fits:
        assert worker_fit.curve == alone.curve
        np.testing.assert_array_equal(worker_fit.values, alone.values)


def test_a_resumed_trial_comes_to_the_same(finetune_problem, alone):
    first = fit(finetune_problem, epochs=1)
    resumed = FinetuneFit(finetune_problem, PLAIN, blank_head())
    resumed.load_state(first.state())
    resumed.fit(2, patience=100)

    assert resumed.curve == alone.curve
    np.testing.assert_array_equal(resumed.values, alone.values)
    np.testing.assert_array_equal(resumed.mean, alone.mean)


def test_the_whole_network_predicts_what_its_unfrozen_layers_did(finetune_problem, alone):
    arrays = alone.arrays()
    network = assemble(INPUT.family, arrays)
    published = FAMILIES[INPUT.family].load()
    stem = frozen_stem(FAMILIES[INPUT.family], published, 12)
    pictures = np.random.default_rng(3).normal(size=(3, 3, 64, 64)).astype(np.float32)
    with paddle.no_grad():
        whole = network(paddle.to_tensor(pictures)).numpy()
        alone.network.use_weights(alone.best.parameters)
        parts = alone.network.logits(stem(paddle.to_tensor(pictures))).numpy() / alone.temperature()

    np.testing.assert_allclose(whole, parts, rtol=1e-4, atol=1e-4)


def test_what_is_frozen_stays_as_published(finetune_problem, alone):
    published = FAMILIES[INPUT.family].load()
    arrays = alone.arrays()
    changed = {
        name
        for name, array in published.items()
        if not np.array_equal(array, arrays[f"backbone.{name}"])
    }

    assert changed
    assert not [name for name in changed if name.startswith(("stem", "blocks.0.", "blocks.10."))]
    assert not [name for name in changed if "_mean" in name or "_variance" in name]


def test_earlier_layers_learn_more_slowly(finetune_problem):
    slow, even = (fit(finetune_problem, epochs=1, layer_decay=decay) for decay in (0.3, 1.0))
    published = FAMILIES[INPUT.family].load()
    name = "blocks.11.expand.convolution.weight"

    def moved(trained: FinetuneFit) -> float:
        return float(
            np.abs(trained.network.backbone.state_dict()[name].numpy() - published[name]).mean()
        )

    assert moved(slow) < 0.3 * moved(even)


def test_the_final_training_uses_all_samples(finetune_problem):
    on_all_samples = FinetuneFit(finetune_problem, PLAIN, blank_head(), on_all_samples=True)
    on_all_samples.fit(1)

    assert len(on_all_samples.training_rows) == SAMPLES
    assert set(on_all_samples.arrays(1.0)) == set(assemble_names())


def test_a_resumed_final_training_comes_to_the_same(finetune_problem):
    first, other = (
        FinetuneFit(finetune_problem, PLAIN, blank_head(), on_all_samples=True) for _ in range(2)
    )
    first.fit(1)
    other.load_state(first.state())
    for trained in (first, other):
        trained.fit(2)

    assert first.curve == other.curve
    np.testing.assert_array_equal(first.mean, other.mean)
    np.testing.assert_array_equal(first.best.parameters.values, other.best.parameters.values)


def assemble_names() -> list[str]:
    family = FAMILIES[INPUT.family]
    return list(family.layer(blank_head()).state_dict())


def test_without_weights_batch_norms_learn_and_are_measured(finetune_problem):
    done = FinetuneFit(finetune_problem, PLAIN, blank_head())
    done.network.norms.own_statistics = True
    done.fit(1, patience=100)
    _, statistics = done.best.parameters

    shown = done._statistics_batches()
    done.network.use_weights(done.best.parameters)
    again = done.network.norms.measure_statistics(shown)
    np.testing.assert_allclose(statistics, again, rtol=1e-4, atol=1e-5)


def test_shipped_weights_interpolate_between_initial_and_trained_ones(finetune_problem):
    half, whole = fit(finetune_problem, interpolation=0.5), fit(finetune_problem)
    initial = FinetuneFit(finetune_problem, PLAIN, blank_head()).values

    np.testing.assert_allclose(half._trained_weights().values, (initial + half.mean) / 2, atol=1e-6)
    np.testing.assert_array_equal(whole._trained_weights().values, whole.mean)


def test_the_rate_rises_during_warm_up(finetune_problem):
    at_once, slowly = (
        FinetuneFit(finetune_problem, PLAIN | {"warm_up": share}, blank_head())
        for share in (0.0, 0.5)
    )

    rising = slowly.steps * finetune_problem.epochs / 2
    assert at_once._rate() == pytest.approx(PLAIN["learning_rate"])
    assert slowly._rate() == pytest.approx(PLAIN["learning_rate"] / rising)


def test_what_ships_is_the_last_epoch(finetune_problem):
    done = fit(finetune_problem, epochs=3, learning_rate=0.05)

    assert done.best_or_raise().epoch == 3
    np.testing.assert_array_equal(
        done.best_or_raise().parameters.values, done._trained_weights().values
    )


def test_smoothed_labels_leave_their_share_to_all_labels(finetune_problem):
    trial = fit(finetune_problem, epochs=0, label_smoothing=0.3)

    targets = trial._smoothed_targets(np.array([2, 0]))

    np.testing.assert_allclose(targets, [[0.1, 0.1, 0.8], [0.8, 0.1, 0.1]], rtol=1e-6)


def test_weights_that_are_zero_stay_zero_if_they_are_sparse(finetune_problem):
    sparse, dense = (
        FinetuneFit(finetune_problem, PLAIN | changes, blank_head() | SINGLE_COLUMN)
        for changes in ({"sparse": True}, {})
    )

    for trial in (sparse, dense):
        trial._step(np.arange(8), np.random.default_rng(0))

    zero = sparse.network.head.out.weight.numpy() == 0
    assert zero[:, :2].all()
    assert not zero[:, 2].all()
    assert (dense.network.head.out.weight.numpy() != 0).any(axis=0).all()
    assert (sparse.network.head.out.bias.numpy() != 0).all(), "a bias may be trained"


def test_a_shard_without_samples_adds_nothing(finetune_problem):
    trial = FinetuneFit(finetune_problem, PLAIN, blank_head())

    assert np.isfinite(trial._step(np.array([3]), np.random.default_rng(0)))
    assert trial.done == 1
    assert np.isfinite(trial.values).all()


def test_no_samples_have_no_logits(finetune_problem):
    trial = FinetuneFit(finetune_problem, PLAIN, blank_head())

    assert trial.logits(np.array([], np.int64)).shape == (0, 3)
