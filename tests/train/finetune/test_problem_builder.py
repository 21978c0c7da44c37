"""What the views of phase two are changed by."""

from stages.config import TrainConfig
from stages.train.finetune.problem_builder import changed
from tests import makers

CUT = TrainConfig(finetune={"augmentations": [{"crop": {"smallest": 0.5}}]})


def test_further_changes_come_after_those_of_the_dataset(store):
    dataset = makers.dataset(store, each=4, views=1)

    seen = changed(dataset, CUT)

    assert seen.augmentations == ({"horizontal_flip": {}}, {"crop": {"smallest": 0.5}})


def test_what_is_not_augmented_is_not_changed_further(store):
    plain = makers.dataset(store, each=4).model_copy(update={"augmentations": ()})

    assert changed(plain, CUT).augmentations == ()
