"""How many samples of a revision train and validation will have, before etl has read it."""

from stages.etl.catalogue import Revision
from tests import makers


def test_what_the_data_puts_into_the_test_split_is_known(workshop):
    for split, each in (("train", 9), ("test", 3)):
        makers.folder_of_pictures(workshop.raw / split, each)
    labels = len(list((workshop.raw / "test").iterdir()))

    revision = workshop.add()

    assert revision.tested == 3 * labels
    assert revision.training_samples(0.15) == 9 * labels


def test_of_data_without_splits_the_usual_share_is_for_the_test():
    assert Revision("shapes", "0.dir", 100, 1, "", 0).training_samples(0.15) == 85
