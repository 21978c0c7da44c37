"""A fit of fine-tuning that learns from a teacher's answers."""

from dataclasses import replace

import numpy as np
import pytest

from stages.train.distillation.soft_targets import SoftTargets
from stages.train.finetune.finetune_loop import FinetuneFit
from stages.train.finetune.finetune_problem import split_name
from stages.train.heads.windows import Windows
from tests.train.finetune.conftest import CLASSES, INPUT, PLAIN, SAMPLES, VIEWS, blank_head

ROWS = SAMPLES * (VIEWS + 1)


def teacher(rows: int, weight: float = 0.7) -> SoftTargets:
    """A teacher that is sure of the label after the true one."""
    wrong = (np.repeat(np.arange(-(-rows // (VIEWS + 1))), VIEWS + 1)[:rows] + 1) % CLASSES
    logits = 12 * np.eye(CLASSES, dtype=np.float32)[wrong]
    return SoftTargets(logits, temperature=1.0, weight=weight)


def fit_of(problem, soft_targets, epochs=3):
    fit = FinetuneFit(problem, dict(PLAIN), blank_head(), soft_targets=soft_targets)
    fit.fit(epochs)
    return fit


def test_a_student_learns_what_its_teacher_answers(finetune_problem):
    fit = fit_of(finetune_problem, teacher(ROWS, weight=1.0), epochs=6)

    logits = fit.best_or_raise().logits
    assert (logits.argmax(axis=1) == (fit.truth + 1) % CLASSES).mean() > 0.8


def test_a_teacher_without_weight_changes_nothing(finetune_problem):
    alone = fit_of(finetune_problem, None, epochs=1)
    ignored = fit_of(finetune_problem, teacher(ROWS, weight=0.0), epochs=1)

    np.testing.assert_allclose(alone.values, ignored.values, atol=1e-6)


def test_equal_students_are_equal_and_a_resumed_one_goes_on_as_it_was(finetune_problem):
    whole = fit_of(finetune_problem, teacher(ROWS), epochs=2)
    first = fit_of(finetune_problem, teacher(ROWS), epochs=1)

    resumed = FinetuneFit(finetune_problem, dict(PLAIN), blank_head(), soft_targets=teacher(ROWS))
    resumed.load_state(first.state())
    resumed.fit(2)

    assert np.array_equal(whole.values, resumed.values)


@pytest.fixture
def with_unlabelled(finetune_problem):
    """The same problem with half as many samples without a label, whose maps are those of the first
    samples."""
    name = split_name(INPUT, "most")
    windows = finetune_problem.feature_maps[name]
    unlabelled = SAMPLES // 2 * (VIEWS + 1)
    rows = [windows.all_of(np.array([row]))[0] for row in [*range(ROWS), *range(unlabelled)]]
    return replace(finetune_problem, feature_maps={name: Windows.of(rows)}), ROWS + unlabelled


def test_unlabelled_samples_join_a_batch_by_their_share(with_unlabelled):
    problem, rows = with_unlabelled
    fit = FinetuneFit(problem, dict(PLAIN), blank_head(), soft_targets=teacher(rows))
    targets = np.ones((8, CLASSES), np.float32)

    found, both = fit._with_soft_targets(
        fit.soft_targets, np.arange(8), targets, np.random.default_rng(0)
    )

    assert len(found) == 12
    assert all(found[8:] >= ROWS)
    assert both.shape == (12, 2 * CLASSES)
    assert not both[8:, :CLASSES].any()
    np.testing.assert_allclose(both[:, CLASSES:].sum(axis=1), 1, rtol=1e-5)


def test_few_unlabelled_samples_join_some_of_the_batches(with_unlabelled):
    problem, rows = with_unlabelled
    fit = FinetuneFit(problem, dict(PLAIN), blank_head(), soft_targets=teacher(rows))
    few = teacher(ROWS + 2 * (VIEWS + 1))
    targets, rng = np.ones((4, CLASSES), np.float32), np.random.default_rng(0)

    counts = [len(fit._with_soft_targets(few, np.arange(4), targets, rng)[0]) for _ in range(400)]

    assert {4, 5} == set(counts)
    assert np.mean(counts) - 4 == pytest.approx(4 * 2 / SAMPLES, rel=0.4)


def test_unlabelled_samples_are_trained_on(with_unlabelled, finetune_problem):
    problem, rows = with_unlabelled

    with_them = fit_of(problem, teacher(rows), epochs=1)
    without = fit_of(finetune_problem, teacher(ROWS), epochs=1)

    assert np.isfinite(with_them.curve[0]["train_loss"])
    assert not np.array_equal(with_them.values, without.values)
