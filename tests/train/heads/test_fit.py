"""Training heads: they learn, can be resumed, and the joined head is exactly the mean."""

import copy

import numpy as np
import pytest

from stages.train.heads.head_fit import HeadsFit, StandardisedFeatures
from tests.train.conftest import INPUT, blobs, hyperparameters

HEADS = ("linear", "hidden")


def fit(epochs: int = 12, folds: int = 3, **changes) -> HeadsFit:
    problem = blobs(folds=folds)
    trained = HeadsFit(problem, StandardisedFeatures(problem, INPUT), hyperparameters(**changes))
    trained.fit(epochs, patience=100)
    return trained


def answer(head: dict, features: np.ndarray) -> np.ndarray:
    if "head.hidden.weight" in head:
        features = np.maximum(features @ head["head.hidden.weight"] + head["head.hidden.bias"], 0)
    return features @ head["head.out.weight"] + head["head.out.bias"]


@pytest.mark.parametrize("head", HEADS)
def test_it_learns_what_can_be_learnt(head: str):
    done = fit(epochs=30, head=head)

    assert done.best.measures["accuracy"] > 0.9
    assert done.curve[-1]["train_loss"] < done.curve[0]["train_loss"]


@pytest.mark.parametrize("head", HEADS)
def test_the_joined_head_answers_as_the_mean_of_the_folds_heads(head: str):
    import paddle

    done = fit(head=head)
    rows = np.arange(20)
    for parameter, best in zip(done.parameters, done.best.parameters, strict=True):
        parameter.set_value(best)
    stacked = done.standard.stacked(np.stack([rows] * 3))
    with paddle.no_grad():
        expected = done._forward(stacked).numpy().mean(axis=0) / done.temperature()

    found = answer(done.arrays(), done.problem.features[INPUT][rows])

    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("head", HEADS)
def test_going_on_is_the_same_as_going_through(head: str):
    through = fit(epochs=9, head=head)
    halted = fit(epochs=4, head=head)
    elsewhere = fit(epochs=0, head=head)
    elsewhere.load_state(copy.deepcopy(halted.state()))

    for resumed in (halted, elsewhere):
        resumed.fit(9, patience=100)

        assert resumed.curve == through.curve
        for parameter, other in zip(resumed.parameters, through.parameters, strict=True):
            np.testing.assert_array_equal(parameter.numpy(), other.numpy())


@pytest.mark.parametrize(("patience", "epochs"), [(None, 9), (100, 9), (2, 3), (1, 2)])
def test_without_patience_it_never_stops_early(patience: int | None, epochs: int):
    problem = blobs()
    features = StandardisedFeatures(problem, INPUT)
    worse = HeadsFit(problem, features, hyperparameters(learning_rate=1000.0))

    worse.fit(9, patience)

    assert worse.best.epoch == 1, "the first epoch is the best one, so that patience runs out"
    assert len(worse.curve) == epochs


def test_other_hyperparameters_are_another_seed():
    assert fit().seed != fit(learning_rate=0.011).seed
    assert fit().seed == fit().seed


def test_it_stops_when_nothing_gets_better():
    problem = blobs()
    stopped = HeadsFit(
        problem, StandardisedFeatures(problem, INPUT), hyperparameters(learning_rate=3.0)
    )

    stopped.fit(1000, patience=5)

    assert len(stopped.curve) == stopped.best.epoch + 5


@pytest.mark.parametrize("head", HEADS)
def test_balance_makes_another_trial(head: str):
    assert fit(head=head).curve != fit(head=head, class_balance="weights").curve


def test_unseen_rows_are_all_validation_rows_in_order():
    done = fit()

    rows, logits = done.out_of_fold_logits()

    assert rows.tolist() == list(range(60))
    assert logits.shape == (60, 3)
    assert (logits.argmax(axis=1) == done.problem.labels).mean() == done.best.measures["accuracy"]


def test_one_fold_is_validated_on_what_is_held_out_alone():
    problem = blobs(folds=3)
    fold_of_row = np.where(problem.fold_of_row == 0, 0, -1)
    single = type(problem)(problem.features, problem.labels, fold_of_row, problem.plain, 3, 1)
    done = HeadsFit(single, StandardisedFeatures(single, INPUT), hyperparameters())

    done.fit(5, patience=100)

    assert done.out_of_fold_logits()[0].tolist() == np.flatnonzero(fold_of_row == 0).tolist()


def test_every_epoch_shows_all_training_rows_in_another_order():
    problem = blobs(samples=54)
    shown: list[np.ndarray] = []

    class Watched(HeadsFit):
        def _step(self, rows, rng):
            shown.append(rows[0])
            return super()._step(rows, rng)

    Watched(problem, StandardisedFeatures(problem, INPUT), hyperparameters(batch_size=9)).fit(
        2, patience=9
    )

    first, second = np.concatenate(shown[:4]), np.concatenate(shown[4:])
    assert set(first) == set(second) == set(problem.training_rows(0))
    assert first.tolist() != second.tolist()


@pytest.mark.parametrize("head", HEADS)
def test_weight_decay_keeps_weights_small(head: str):
    free, decayed = (fit(head=head, weight_decay=decay) for decay in (0.0, 5.0))

    for weights, smaller in zip(free.parameters, decayed.parameters, strict=True):
        assert np.linalg.norm(smaller.numpy()) < np.linalg.norm(weights.numpy())
