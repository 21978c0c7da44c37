"""Networks from scratch: they learn, can be resumed, and their mean is one network."""

import copy
from dataclasses import replace

import numpy as np
import pytest

from stages.etl.augmentations.mixup import Mixup
from stages.train.heads.problem import Problem
from stages.train.heads.scratch_fit import ScratchFit
from stages.train.heads.windows import Windows, mean_per_row
from tests.train.conftest import hyperparameters

INPUT = "small_audio@16"
HEADS = ("linear", "hidden")
FOLDS, BANDS, FRAMES = 2, 16, 24


def tones(each: int = 12, views: int = 1, changes: tuple = ()) -> Problem:
    """Spectrograms that are loud low, in the middle or high; some samples have two windows."""
    rng = np.random.default_rng(0)
    rows, labels, folds, plain = [], [], [], []
    for sample in range(3 * each):
        label = sample % 3
        for view in range(1 + views):
            windows = rng.normal(size=(1 + sample % 2, 1, BANDS, FRAMES)).astype(np.float32)
            windows[:, :, 5 * label : 5 * label + 4] += 4
            rows.append(windows)
            labels.append(label)
            folds.append(sample // 3 % FOLDS)
            plain.append(view == 0)
    features = {INPUT: Windows.of(rows)}
    return Problem(features, np.array(labels), np.array(folds), np.array(plain), 3, FOLDS, changes)


def fit(epochs: int = 4, problem: Problem | None = None, **changes) -> ScratchFit:
    changed = hyperparameters(**{"input": INPUT, "batch_size": 6, **changes})
    trained = ScratchFit(problem or tones(), changed)
    trained.fit(epochs, patience=100)
    return trained


@pytest.fixture(scope="module")
def trained() -> ScratchFit:
    """A fit of four epochs, which no test changes."""
    return fit()


@pytest.mark.parametrize("head", HEADS)
def test_it_learns_what_can_be_learnt(head: str):
    done = fit(epochs=12, head=head)

    assert done.best.measures["accuracy"] > 0.9
    assert done.curve[-1]["train_loss"] < done.curve[0]["train_loss"]


@pytest.mark.parametrize(
    ("head", "kernel", "width"), [("linear", 3, 1.0), ("hidden", 5, 1.0), ("linear", 3, 1.5)]
)
def test_the_network_of_all_folds_answers_as_the_mean_of_each(head: str, kernel: int, width: float):
    import paddle

    from stages.models.network import assemble

    done = fit(head=head, kernel=kernel, width=width)
    shown = done.problem.features[INPUT].values[:5]
    done._load_weights(done.best.parameters)
    done.backbone.eval()
    with paddle.no_grad():
        apart = paddle.to_tensor(np.repeat(shown, FOLDS, axis=1))
        expected = done._forward(apart, done.head).numpy().mean(axis=0) / done.temperature()
        found = assemble("small_audio", done.arrays())(paddle.to_tensor(shown)).numpy()

    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-4)


def test_a_rare_label_is_shown_as_often_as_the_others():
    """Samples are shown, not rows: of the third label one in six is left."""
    whole = tones(each=24, views=1)
    chosen = np.flatnonzero((whole.labels != 2) | (whole.origin % 18 == 2))
    values = whole.features[INPUT]
    rows = [values.values[values.starts[row] : values.starts[row + 1]] for row in chosen]
    columns = (whole.labels[chosen], whole.fold_of_row[chosen], whole.plain[chosen])
    few = Problem({INPUT: Windows.of(rows)}, *columns, whole.classes, whole.folds)

    trained = fit(epochs=1, problem=few, class_balance="sampling")

    for samples in zip(
        *trained._batches(trained.training_samples, np.random.default_rng(0)), strict=True
    ):
        shown = np.bincount(few.labels[few.plain][np.concatenate(samples)])
        assert shown.max() - shown.min() <= trained.hyper["batch_size"]


def test_going_on_is_the_same_as_going_through(trained):
    halted, elsewhere = fit(epochs=2), fit(epochs=0)
    elsewhere.load_state(copy.deepcopy(halted.state()))

    for resumed in (halted, elsewhere):
        resumed.fit(4, patience=100)

        assert resumed.curve == trained.curve
        for name, array in trained.arrays().items():
            np.testing.assert_array_equal(resumed.arrays()[name], array, name)


def test_a_fold_learns_nothing_of_its_validation_rows(trained):
    problem = tones()
    windows = problem.features[INPUT]
    changed = windows.values.copy()
    hidden = np.repeat(problem.fold_of_row == 1, np.diff(windows.starts))
    changed[hidden] = changed[hidden][::-1]  # the same numbers, so that mean and scale are equal
    other = replace(problem, features={INPUT: Windows(changed, windows.starts)})

    first_fit, second_fit = trained, fit(problem=other)

    name = "backbone.units.0.convolution.weight"
    half = first_fit.mean[name].shape[0] // FOLDS
    np.testing.assert_allclose(first_fit.mean[name][half:], second_fit.mean[name][half:], atol=1e-6)
    assert np.abs(first_fit.mean[name][:half] - second_fit.mean[name][:half]).max() > 1e-4


def test_mixed_batches_change_the_training(trained):
    mixed = fit(epochs=1, problem=tones(changes=(Mixup(alpha=0.4),)))

    assert mixed.curve[0] != trained.curve[0]


def test_a_wider_network_has_more_channels_in_every_layer():
    plain, wide = (fit(epochs=1, width=width).arrays() for width in (1.0, 2.0))

    for place in range(5):
        name = f"backbone.units.{place}.convolution.weight"
        assert wide[name].shape[0] == 2 * plain[name].shape[0]


def test_balance_makes_another_trial(trained):
    assert fit(epochs=1, class_balance="weights").curve[0] != trained.curve[0]


def test_more_views_take_no_more_steps():
    many, none = (fit(epochs=1, problem=tones(views=views)) for views in (4, 0))

    assert many.steps == none.steps


def test_a_sample_has_the_mean_logits_of_its_windows():
    logits = np.array([[0, 2], [2, 4], [5, 5]], np.float32)

    np.testing.assert_array_equal(mean_per_row(logits, np.array([0, 0, 1])), [[1, 3], [5, 5]])


def test_windows_of_rows_are_found_again():
    rows = [np.full((count, 1), row, np.float32) for row, count in enumerate((2, 1, 3))]
    windows = Windows.of(rows)

    values, places = windows.all_of(np.array([2, 0]))
    drawn = windows.random_windows(np.array([1, 2]), np.random.default_rng(0))

    assert values.ravel().tolist() == [2, 2, 2, 0, 0]
    assert places.tolist() == [0, 0, 0, 1, 1]
    assert drawn.ravel().tolist() == [1, 2]


IMAGE = "small_image@32"


def colours(each: int = 12) -> Problem:
    """Pictures that are red, green or blue on the whole."""
    rng = np.random.default_rng(0)
    labels = np.arange(3 * each) % 3
    pictures = rng.random((len(labels), 1, 3, 32, 32), np.float32)
    pictures[np.arange(len(labels)), 0, labels] += 0.5
    folds = np.arange(len(labels)) // 3 % FOLDS
    features = {IMAGE: Windows.of(list(pictures))}
    return Problem(features, labels, folds, np.ones(len(labels), bool), 3, FOLDS)


@pytest.mark.parametrize("head", HEADS)
def test_pictures_are_learnt_and_the_network_of_all_folds_answers_as_their_mean(head: str):
    import paddle

    from stages.models.network import assemble

    done = fit(epochs=12, problem=colours(), input=IMAGE, head=head)
    pictures = done.problem.features[IMAGE].values[:5]
    done._load_weights(done.best.parameters)
    done.backbone.eval()
    with paddle.no_grad():
        apart = paddle.to_tensor(np.tile(pictures, (1, FOLDS, 1, 1)))
        expected = done._forward(apart, done.head).numpy().mean(axis=0) / done.temperature()
        found = assemble("small_image", done.arrays())(paddle.to_tensor(pictures)).numpy()

    assert done.best.measures["accuracy"] > 0.9
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-4)
