"""Which training samples set the ranges of int8."""

from collections import Counter

import numpy as np

from stages.artifacts import Step
from stages.deploy.calibration import _middle, batches, chosen, prepared
from stages.etl.manifest import samples_of
from tests import makers


def test_labels_take_turns(tmp_path):
    store = makers.store(tmp_path)
    dataset = makers.dataset(store, each=20)

    found = chosen(dataset, store, 10)

    assert sorted(Counter(sample.label for sample in found).values()) == [3, 3, 4]
    assert {sample.split for sample in found} == {"train"}


def test_all_are_taken_if_there_are_fewer(tmp_path):
    store = makers.store(tmp_path)
    dataset = makers.dataset(store, each=5)

    found = chosen(dataset, store, 1000)

    assert len(found) == len(samples_of(dataset, store, "train"))


def test_what_is_prepared_is_what_the_network_sees(deployable):
    found = chosen(deployable.dataset, deployable.store, 12)

    pictures = prepared(deployable.model, found, deployable.store)

    assert pictures.shape == (12, *deployable.model.input_shape)
    assert [len(batch) for batch in batches(pictures)] == [10, 2]
    assert prepared(deployable.model, [], deployable.store).shape == (
        0,
        *deployable.model.input_shape,
    )
    halved = Step(step="normalise", args={"mean": [0.5] * 3, "std": [1.0] * 3})
    before = (*deployable.model.before[:2], halved, *deployable.model.before[3:])
    half = prepared(deployable.model.model_copy(update={"before": before}), found, deployable.store)
    np.testing.assert_allclose(half, pictures / 2, atol=1e-6)


def test_the_order_is_that_of_digests_within_a_label_and_of_labels_between(tmp_path):
    store = makers.store(tmp_path)
    dataset = makers.dataset(store, each=20)

    found = chosen(dataset, store, 9)

    labels = dataset.labels
    assert [sample.label for sample in found] == [*labels] * (9 // len(labels))
    training = samples_of(dataset, store, "train")
    for label in labels:
        every = sorted(sample.digest for sample in training if sample.label == label)
        assert [sample.digest for sample in found if sample.label == label] == every[
            : 9 // len(labels)
        ]


def test_the_middle_window_stands_for_its_sample():
    windows = np.arange(7.0, dtype=np.float32)[:, None]

    assert [float(_middle(windows[:count])[0]) for count in (1, 2, 3, 4, 7)] == [0, 1, 1, 2, 3]


def test_windows_are_calibrated_by_tens():
    windows = np.arange(25, dtype=np.float32)

    assert [len(batch) for batch in batches(windows)] == [10, 10, 5]
    np.testing.assert_array_equal(np.concatenate(batches(windows)), windows)
    assert batches(windows[:0]) == []
