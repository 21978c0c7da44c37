"""The augmentations of fine-tuning."""

from stages.config import TrainConfig
from stages.train.finetune.problem_builder import with_augmentations
from tests import makers

CROPPED = TrainConfig(finetune={"augmentations": [{"crop": {"smallest": 0.5}}]})


def test_further_changes_come_after_those_of_the_dataset(store):
    dataset = makers.dataset(store, each=4, views=1)

    augmented = with_augmentations(dataset, CROPPED)

    assert augmented.augmentations == ({"horizontal_flip": {}}, {"crop": {"smallest": 0.5}})


def test_what_is_not_augmented_is_not_changed_further(store):
    plain = makers.dataset(store, each=4).model_copy(update={"augmentations": ()})

    assert with_augmentations(plain, CROPPED).augmentations == ()
