"""Training and validation rows: groups stay together, views are never validated on, labels are
spread."""

from collections import Counter

import pytest

from stages.etl.manifest import Sample
from stages.runtime.errors import DataError
from stages.train.heads.features import SampleView
from stages.train.heads.prepared import folds_of, limited_folds
from stages.train.heads.problem import Rows, rows_of
from tests import makers


def samples(each: int = 10, group: str = "") -> list[Sample]:
    return [
        Sample(f"{label}{i}", f"{label}{i}", label, "validation" if i % 5 == 0 else "train", group)
        for label in makers.LABELS
        for i in range(each)
    ]


@pytest.fixture
def dataset(tmp_path):
    return makers.dataset(makers.store(tmp_path), each=10, views=2)


def keys_of(rows: Rows) -> list[str]:
    return [sample.group or sample.digest for sample in rows.samples]


def problem_of(dataset, rows, folds):
    fold_of_row = rows.fold_of_row(keys_of(rows), folds, 0)
    return rows.problem({}, len(dataset.labels), fold_of_row, folds)


def fold_of_views(rows: Rows, folds: int) -> dict[SampleView, int]:
    fold_of_row = rows.fold_of_row(keys_of(rows), folds, 0)
    return dict(zip(rows.views, fold_of_row.tolist(), strict=True))


def test_with_one_fold_validation_is_held_out(dataset):
    rows = rows_of(dataset, samples())

    problem = problem_of(dataset, rows, 1)

    training = {rows.views[row].digest for row in problem.training_rows(0)}
    validation = [rows.views[row].digest for row in problem.validation_rows(0)]
    assert validation == [sample.digest for sample in samples() if sample.split == "validation"]
    assert training == {sample.digest for sample in samples() if sample.split == "train"}


def test_with_folds_every_sample_is_held_out_once_and_not_trained_on_then(dataset):
    rows = rows_of(dataset, samples())
    problem = problem_of(dataset, rows, 5)

    validated = Counter()
    for fold in range(5):
        training = {rows.views[row].digest for row in problem.training_rows(fold)}
        validation = [rows.views[row].digest for row in problem.validation_rows(fold)]
        validated.update(validation)
        assert not training & set(validation)

    assert validated == Counter(sample.digest for sample in samples())


def test_only_train_has_views_and_views_are_never_validated_on(dataset):
    rows = rows_of(dataset, samples(), views=2)
    problem = problem_of(dataset, rows, 5)

    counts = Counter(view.digest for view in rows.views)

    assert {counts[sample.digest] for sample in samples() if sample.split == "train"} == {3}
    assert {counts[sample.digest] for sample in samples() if sample.split == "validation"} == {1}
    assert all(
        rows.views[row].number == 0 for fold in range(5) for row in problem.validation_rows(fold)
    )


def test_the_test_split_is_not_looked_at(dataset):
    hidden = [Sample("t", "t", "circle", "test"), Sample("q", "q", "circle", "")]

    rows = rows_of(dataset, samples() + hidden)

    assert not {"t", "q"} & {view.digest for view in rows.views}


def test_a_label_is_spread_evenly_over_the_folds(dataset):
    rows = rows_of(dataset, samples(each=13))
    problem = problem_of(dataset, rows, 4)

    for fold in range(4):
        found = Counter(problem.labels[problem.validation_rows(fold)].tolist())
        assert all(count in (3, 4) for count in found.values())


def test_a_group_stays_in_one_fold(dataset):
    twins = [
        Sample(f"{i}", f"d{i}", makers.LABELS[i % 3], "train", f"group{i // 4}") for i in range(40)
    ]

    rows = rows_of(dataset, twins)

    fold_of = {view.digest: fold for view, fold in fold_of_views(rows, 3).items()}
    for first in range(0, 40, 4):
        assert len({fold_of[f"d{i}"] for i in range(first, first + 4)}) == 1


def test_folds_do_not_depend_on_the_order_of_the_samples(dataset):
    there = rows_of(dataset, samples())
    back = rows_of(dataset, samples()[::-1])

    assert fold_of_views(there, 5) == fold_of_views(back, 5)


def test_folds_are_as_many_as_a_label_has_groups():
    grouped = [
        Sample(f"{label}{i}", f"{label}{i}", label, "train", f"speaker{i % 4}")
        for label in makers.LABELS
        for i in range(20)
    ]

    assert folds_of(grouped, 5) == 4
    assert folds_of(grouped, 3) == 3
    assert folds_of(samples(), 5) == 5


def test_groups_that_a_guess_joined_leave_no_fold_empty():
    labels = ["a", "a", "a", "a", "b", "b", "b", "b"]

    assert limited_folds(4, labels, list("12345678")) == 4
    assert limited_folds(4, labels, list("11145678")) == 2
    assert limited_folds(4, labels, list("11115678")) == 2


def test_samples_of_one_group_cannot_be_held_out_from_each_other():
    with pytest.raises(DataError, match="one group"):
        folds_of(samples(group="one speaker"), 5)


@pytest.mark.parametrize("folds", [5, 2])
def test_validation_needs_no_label_where_folds_validate(folds):
    lacking = [
        sample for sample in samples() if (sample.label, sample.split) != ("circle", "validation")
    ]

    assert folds_of(lacking, folds) == folds


def test_a_label_that_is_only_in_validation_is_refused_where_validation_is_not_trained_on():
    lacking = [
        sample for sample in samples() if (sample.label, sample.split) != ("circle", "train")
    ]

    with pytest.raises(DataError, match=r"train split has no sample of 'circle'"):
        folds_of(lacking, 1)
    assert folds_of(lacking, 2) == 2


def test_samples_with_one_key_are_in_one_fold_even_without_a_group(dataset):
    rows = rows_of(dataset, samples())
    keys = [f"burst{index // 3}" for index in range(len(rows.samples))]

    fold_of_row = rows.fold_of_row(keys, 5, 0)

    for first in range(0, len(keys), 3):
        assert len(set(fold_of_row[first : first + 3].tolist())) == 1
