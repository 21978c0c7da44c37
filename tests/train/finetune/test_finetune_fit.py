"""A tail: it learns, alone or shared, can be taken up again, and becomes a whole network."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Barrier

import numpy as np
import paddle
import pytest

from stages.models.backbone_split import frozen_stem
from stages.models.network import assemble
from stages.parts import FAMILIES
from stages.train.finetune.finetune_fit import TailFit
from tests.train.finetune.conftest import ONE, PLAIN, SAMPLES, blank_head


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


def fit(question, epochs: int = 2, group=None, **changes) -> TailFit:
    made = TailFit(question, PLAIN | changes, blank_head(), group)
    made.fit(epochs, patience=100)
    return made


@pytest.fixture(scope="module")
def alone(question) -> TailFit:
    return fit(question)


def test_it_learns_what_can_be_learnt(question):
    done = fit(question, epochs=5)

    assert done.best.measures["accuracy"] > 0.9
    assert done.curve[-1]["train_loss"] < done.curve[0]["train_loss"]


def test_two_workers_teach_what_one_does(question, alone):
    barrier, board = Barrier(2), [None, None]
    pair = [Pair(rank, barrier, board) for rank in range(2)]
    # layers are made one after the other: Paddle's seed is the process's
    fits = [TailFit(question, PLAIN, blank_head(), one) for one in pair]
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda one: one.fit(2, patience=100), fits))

    for one in fits:
        assert one.curve == alone.curve
        np.testing.assert_array_equal(one.values, alone.values)


def test_a_trial_that_was_taken_up_comes_to_the_same(question, alone):
    begun = fit(question, epochs=1)
    gone_on = TailFit(question, PLAIN, blank_head())
    gone_on.take_up(begun.state())
    gone_on.fit(2, patience=100)

    assert gone_on.curve == alone.curve
    np.testing.assert_array_equal(gone_on.values, alone.values)
    np.testing.assert_array_equal(gone_on.mean, alone.mean)


def test_the_whole_network_says_what_the_tail_said(question, alone):
    arrays = alone.arrays()
    network = assemble(ONE.family, arrays)
    published = FAMILIES[ONE.family].load()
    cut = frozen_stem(FAMILIES[ONE.family], published, 12)
    pictures = np.random.default_rng(3).normal(size=(3, 3, 64, 64)).astype(np.float32)
    with paddle.no_grad():
        whole = network(paddle.to_tensor(pictures)).numpy()
        alone.network.become(alone.best.parameters)
        parts = alone.network.logits(cut(paddle.to_tensor(pictures))).numpy() / alone.temperature()

    np.testing.assert_allclose(whole, parts, rtol=1e-4, atol=1e-4)


def test_what_is_frozen_stays_as_published(question, alone):
    published = FAMILIES[ONE.family].load()
    arrays = alone.arrays()
    changed = {
        name
        for name, array in published.items()
        if not np.array_equal(array, arrays[f"backbone.{name}"])
    }

    assert changed
    assert not [name for name in changed if name.startswith(("stem", "blocks.0.", "blocks.10."))]
    assert not [name for name in changed if "_mean" in name or "_variance" in name]


def test_earlier_layers_are_taught_more_slowly(question):
    slow, even = (fit(question, epochs=1, layer_decay=decay) for decay in (0.3, 1.0))
    published = FAMILIES[ONE.family].load()
    name = "blocks.11.expand.convolution.weight"

    def moved(one: TailFit) -> float:
        return float(
            np.abs(one.network.backbone.state_dict()[name].numpy() - published[name]).mean()
        )

    assert moved(slow) < 0.3 * moved(even)


def test_all_samples_teach_the_last_time(question):
    whole = TailFit(question, PLAIN, blank_head(), whole=True)
    whole.teach_all(1)

    assert len(whole.taught) == SAMPLES
    assert set(whole.arrays(1.0)) == set(assemble_names())


def test_so_does_a_last_time_that_was_taken_up(question):
    first, other = (TailFit(question, PLAIN, blank_head(), whole=True) for _ in range(2))
    first.teach_all(1)
    other.take_up(first.state())
    for one in (first, other):
        one.teach_all(2)

    assert first.curve == other.curve
    np.testing.assert_array_equal(first.mean, other.mean)
    np.testing.assert_array_equal(first.best.parameters.values, other.best.parameters.values)


def assemble_names() -> list[str]:
    family = FAMILIES[ONE.family]
    return list(family.layer(blank_head()).state_dict())


def test_without_weights_batch_norms_learn_and_are_measured(question):
    done = TailFit(question, PLAIN, blank_head())
    done.network.norms.learn = True
    done.fit(1, patience=100)
    _, statistics = done.best.parameters

    shown = done._shown()
    done.network.become(done.best.parameters)
    again = done.network.norms.measured(shown)
    np.testing.assert_allclose(statistics, again, rtol=1e-4, atol=1e-5)


def test_what_ships_lies_between_where_it_began_and_what_it_was_taught(question):
    half, whole = fit(question, interpolation=0.5), fit(question)
    begun = TailFit(question, PLAIN, blank_head()).values

    np.testing.assert_allclose(half._learnt().values, (begun + half.mean) / 2, atol=1e-6)
    np.testing.assert_array_equal(whole._learnt().values, whole.mean)


def test_the_rate_rises_for_as_long_as_it_is_to_warm_up(question):
    at_once, slowly = (
        TailFit(question, PLAIN | {"warm_up": share}, blank_head()) for share in (0.0, 0.5)
    )

    rising = slowly.steps * question.epochs / 2
    assert at_once._rate() == pytest.approx(PLAIN["learning_rate"])
    assert slowly._rate() == pytest.approx(PLAIN["learning_rate"] / rising)


def test_what_ships_is_the_last_epoch(question):
    done = fit(question, epochs=3, learning_rate=0.05)

    assert done._best().epoch == 3
    np.testing.assert_array_equal(done._best().parameters.values, done._learnt().values)
