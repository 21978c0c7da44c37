"""Which training samples set the ranges of int8."""

from collections import Counter

from stages.deploy.calibration import batches, chosen, prepared
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
