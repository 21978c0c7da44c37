"""Training and validation rows: groups stay together, views are never validated on, labels are
spread."""

from collections import Counter

import pytest

from stages.etl.manifest import Sample
from stages.runtime.errors import DataError
from stages.train.heads.prepared import folds_of
from stages.train.heads.problem import rows_of
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


def problem_of(dataset, rows, folds):
    return rows.problem({}, len(dataset.labels), folds)


def test_with_one_fold_validation_is_held_out(dataset):
    rows = rows_of(dataset, samples(), 1, 0)

    problem = problem_of(dataset, rows, 1)

    training = {rows.views[row].digest for row in problem.training_rows(0)}
    validation = [rows.views[row].digest for row in problem.validation_rows(0)]
    assert validation == [sample.digest for sample in samples() if sample.split == "validation"]
    assert training == {sample.digest for sample in samples() if sample.split == "train"}


def test_with_folds_every_sample_is_held_out_once_and_not_trained_on_then(dataset):
    rows = rows_of(dataset, samples(), 5, 0)
    problem = problem_of(dataset, rows, 5)

    validated = Counter()
    for fold in range(5):
        training = {rows.views[row].digest for row in problem.training_rows(fold)}
        validation = [rows.views[row].digest for row in problem.validation_rows(fold)]
        validated.update(validation)
        assert not training & set(validation)

    assert validated == Counter(sample.digest for sample in samples())


def test_only_train_has_views_and_views_are_never_validated_on(dataset):
    rows = rows_of(dataset, samples(), 5, 0)
    problem = problem_of(dataset, rows, 5)

    counts = Counter(view.digest for view in rows.views)

    assert {counts[sample.digest] for sample in samples() if sample.split == "train"} == {3}
    assert {counts[sample.digest] for sample in samples() if sample.split == "validation"} == {1}
    assert all(
        rows.views[row].number == 0 for fold in range(5) for row in problem.validation_rows(fold)
    )


def test_the_test_split_is_not_looked_at(dataset):
    hidden = [Sample("t", "t", "circle", "test"), Sample("q", "q", "circle", "")]

    rows = rows_of(dataset, samples() + hidden, 5, 0)

    assert not {"t", "q"} & {view.digest for view in rows.views}


def test_a_label_is_spread_evenly_over_the_folds(dataset):
    rows = rows_of(dataset, samples(each=13), 4, 0)
    problem = problem_of(dataset, rows, 4)

    for fold in range(4):
        found = Counter(problem.labels[problem.validation_rows(fold)].tolist())
        assert all(count in (3, 4) for count in found.values())


def test_a_group_stays_in_one_fold(dataset):
    twins = [
        Sample(f"{i}", f"d{i}", makers.LABELS[i % 3], "train", f"group{i // 4}") for i in range(40)
    ]

    rows = rows_of(dataset, twins, 3, 0)

    fold_of = dict(
        zip((view.digest for view in rows.views), rows.fold_of_row.tolist(), strict=True)
    )
    for first in range(0, 40, 4):
        assert len({fold_of[f"d{i}"] for i in range(first, first + 4)}) == 1


def test_folds_do_not_depend_on_the_order_of_the_samples(dataset):
    there = rows_of(dataset, samples(), 5, 0)
    back = rows_of(dataset, samples()[::-1], 5, 0)

    assert dict(zip(there.views, there.fold_of_row.tolist(), strict=True)) == dict(
        zip(back.views, back.fold_of_row.tolist(), strict=True)
    )


def test_folds_are_as_many_as_a_label_has_groups():
    grouped = [
        Sample(f"{label}{i}", f"{label}{i}", label, "train", f"speaker{i % 4}")
        for label in makers.LABELS
        for i in range(20)
    ]

    assert folds_of(grouped, 5) == 4
    assert folds_of(grouped, 3) == 3
    assert folds_of(samples(), 5) == 5


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
