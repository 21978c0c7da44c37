"""Training heads: they learn, can be resumed, and the joined head is exactly the mean."""

import copy

import numpy as np
import pytest

from stages.train.heads.fit import Fit
from stages.train.heads.head_fit import HiddenFit, fit_of
from stages.train.heads.problem import Problem
from stages.train.heads.standardised import StandardisedFeatures
from tests.train.conftest import INPUT, blobs, hyperparameters

HEADS = ("linear", "hidden")


def fit(epochs: int = 12, folds: int = 3, problem: Problem | None = None, **changes) -> Fit:
    problem = problem or blobs(folds=folds)
    trained = fit_of(problem, StandardisedFeatures(problem, INPUT), hyperparameters(**changes))
    trained.fit(epochs, patience=100)
    return trained


def answer(head: dict, features: np.ndarray) -> np.ndarray:
    if "head.hidden.weight" in head:
        features = np.maximum(features @ head["head.hidden.weight"] + head["head.hidden.bias"], 0)
    return features @ head["head.out.weight"] + head["head.out.bias"]


def logits_of_folds(done: Fit, rows: np.ndarray) -> np.ndarray:
    """Of the head of each fold in the best epoch, [folds, n, labels]."""
    layers = done.best.parameters
    outputs = np.stack([done.standard.rows.numpy()[rows]] * done.problem.folds)
    for weights, biases in zip(layers[::2], layers[1::2], strict=True):
        outputs = outputs @ weights + biases
        if weights is not layers[-2]:
            outputs = np.maximum(outputs, 0)
    return outputs


@pytest.mark.parametrize("head", HEADS)
def test_it_learns_what_can_be_learnt(head: str):
    done = fit(epochs=30, head=head)

    assert done.best.measures["accuracy"] > 0.9
    assert done.curve[-1]["train_loss"] < 0.3 * np.log(3), "far below that of equal scores"


def test_a_hidden_head_begins_with_outputs_of_the_size_of_its_inputs():
    problem = blobs()
    new = HiddenFit(problem, StandardisedFeatures(problem, INPUT), hyperparameters(head="hidden"))
    hidden, biases, out, _ = (tensor.numpy() for tensor in new.parameters)

    assert hidden.std() == pytest.approx((2 / hidden.shape[1]) ** 0.5, rel=0.1)  # He et al. 2015
    assert out.std() == pytest.approx(out.shape[1] ** -0.5, rel=0.2)
    assert not biases.any()


def test_the_loss_of_a_hidden_head_falls():
    done = fit(epochs=30, head="hidden")

    assert done.curve[-1]["train_loss"] < done.curve[0]["train_loss"]


@pytest.mark.parametrize("head", HEADS)
def test_the_joined_head_answers_as_the_mean_of_the_folds_heads(head: str):
    done = fit(head=head)
    rows = np.arange(20)
    expected = logits_of_folds(done, rows).mean(axis=0) / done.temperature()

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
        for name, array in through.arrays().items():
            np.testing.assert_array_equal(resumed.arrays()[name], array)
        np.testing.assert_array_equal(
            resumed.out_of_fold_logits()[1], through.out_of_fold_logits()[1]
        )


def test_a_hidden_head_goes_on_with_the_weights_that_it_had_last():
    through, halted = (fit(epochs=epochs, head="hidden") for epochs in (9, 4))
    elsewhere = fit(epochs=0, head="hidden")
    elsewhere.load_state(copy.deepcopy(halted.state()))

    elsewhere.fit(9, patience=100)

    for parameter, other in zip(elsewhere.parameters, through.parameters, strict=True):
        np.testing.assert_array_equal(parameter.numpy(), other.numpy())


class Worsening(HiddenFit):
    """Every epoch has a higher log loss than the one before."""

    def _measured(self, logits: np.ndarray) -> dict[str, float]:
        return {**super()._measured(logits), "log_loss": 1.0 + len(self.curve)}


@pytest.mark.parametrize(("patience", "epochs"), [(None, 9), (100, 9), (2, 3), (1, 2)])
def test_without_patience_it_never_stops_early(patience: int | None, epochs: int):
    problem = blobs()
    features = StandardisedFeatures(problem, INPUT)
    worse = Worsening(problem, features, hyperparameters(head="hidden"))

    worse.fit(9, patience)

    assert worse.best.epoch == 1, "the first epoch is the best one, so that patience runs out"
    assert len(worse.curve) == epochs


@pytest.mark.parametrize("patience", [1, 100])
def test_a_linear_head_is_at_its_optimum_after_one_epoch(patience: int):
    problem = blobs()
    done = fit_of(problem, StandardisedFeatures(problem, INPUT), hyperparameters())

    done.fit(9, patience)

    assert len(done.curve) == done.best.epoch == 1


def test_other_hyperparameters_are_another_seed():
    assert fit().seed != fit(l2=0.011).seed
    assert fit().seed == fit().seed


def test_it_stops_when_nothing_gets_better():
    problem = blobs()
    stopped = HiddenFit(
        problem,
        StandardisedFeatures(problem, INPUT),
        hyperparameters(head="hidden", learning_rate=3.0),
    )

    stopped.fit(1000, patience=5)

    assert len(stopped.curve) == stopped.best.epoch + 5


@pytest.mark.parametrize("head", HEADS)
def test_balance_makes_another_trial(head: str):
    """By more than by another order of the rows: labels overlap, and the third one is rare."""
    few = blobs()
    noise = np.random.default_rng(1).normal(size=few.features[INPUT].shape) * 4
    features = few.features[INPUT] + noise.astype(np.float32)
    chosen = np.flatnonzero((few.labels != 2) | (np.arange(60) < 24))
    columns = (few.labels[chosen], few.fold_of_row[chosen], few.plain[chosen])
    problem = Problem({INPUT: features[chosen]}, *columns, few.classes, few.folds)

    plain, weighted = (
        fit(problem=problem, head=head, class_balance=how).best.measures["log_loss"]
        for how in ("none", "weights")
    )

    assert abs(plain - weighted) > 1e-3


@pytest.mark.parametrize("head", HEADS)
def test_unseen_rows_are_all_validation_rows_in_order(head: str):
    done = fit(head=head)

    rows, logits = done.out_of_fold_logits()

    assert rows.tolist() == list(range(60))
    assert logits.shape == (60, 3)
    assert (logits.argmax(axis=1) == done.problem.labels).mean() == done.best.measures["accuracy"]


@pytest.mark.parametrize("head", HEADS)
def test_one_fold_is_validated_on_what_is_held_out_alone(head: str):
    problem = blobs(folds=3)
    fold_of_row = np.where(problem.fold_of_row == 0, 0, -1)
    single = type(problem)(problem.features, problem.labels, fold_of_row, problem.plain, 3, 1)

    done = fit(epochs=5, problem=single, head=head)

    assert done.out_of_fold_logits()[0].tolist() == np.flatnonzero(fold_of_row == 0).tolist()


def test_every_epoch_shows_all_training_rows_in_another_order():
    problem = blobs(samples=54)
    shown: list[np.ndarray] = []

    class Watched(HiddenFit):
        def _step(self, rows, rng):
            shown.append(rows[0])
            return super()._step(rows, rng)

    features = StandardisedFeatures(problem, INPUT)
    Watched(problem, features, hyperparameters(head="hidden", batch_size=9)).fit(2, patience=9)

    first, second = np.concatenate(shown[:4]), np.concatenate(shown[4:])
    assert set(first) == set(second) == set(problem.training_rows(0))
    assert first.tolist() != second.tolist()


def test_weight_decay_keeps_weights_of_a_hidden_head_small():
    free, decayed = (fit(head="hidden", weight_decay=decay) for decay in (0.0, 5.0))

    for weights, smaller in zip(free.parameters, decayed.parameters, strict=True):
        assert np.linalg.norm(smaller.numpy()) < np.linalg.norm(weights.numpy())


def test_a_penalty_keeps_weights_of_a_linear_head_small():
    free, penalised = (fit(l2=l2).best.parameters[0] for l2 in (0.003, 1.0))

    assert np.linalg.norm(penalised) < 0.5 * np.linalg.norm(free)
