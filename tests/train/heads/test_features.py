"""Features are computed once for each picture and view, and are the same however they are
computed."""

import numpy as np
import pytest

from stages.closure import closure
from stages.parts import FAMILIES, TASKS
from stages.train.heads.backbone import backbone_file
from stages.train.heads.features import Extractor, Preprocessing, View, mean_row
from tests import makers

FAMILY = FAMILIES["efficientnet_lite0"]


@pytest.fixture(scope="module")
def dataset(store):
    return makers.dataset(store, each=10, views=2)


@pytest.fixture
def extractor(store, backbone, dataset, tmp_path):
    def make(threads: int = 1, **changes) -> Extractor:
        settings = makers.settings(tmp_path).model_copy(update={"threads": threads})
        before = TASKS[dataset.task]().before(FAMILY, 64, dataset)
        told = changes.pop("told", [])
        used = dataset.model_copy(update=changes)
        return Extractor(backbone, Preprocessing(before, used, store), settings, told.append)

    return make


@pytest.fixture
def pictures(store):
    return [store.add(makers.picture("square", seed)) for seed in range(4)]


def computed(told: list[int], wanted: int) -> int:
    """How many rows had to be computed, by what was told."""
    return wanted - told[0]


def test_only_what_is_missing_is_computed(extractor, pictures):
    first, again, more = [], [], []

    extractor(told=first).rows([View(one) for one in pictures[:3]])
    extractor(told=again).rows([View(one) for one in pictures[:3]])
    extractor(told=more).rows([View(one) for one in pictures])

    assert [computed(first, 3), computed(again, 3), computed(more, 4)] == [3, 0, 1]


def forget_features(store):
    for key in list(store.blobs.keys("memo/scopes/")):
        store.blobs.remove(key)


def test_rows_stand_in_the_order_asked_for_and_do_not_depend_on_company_or_cores(
    extractor, pictures, store
):
    alone = np.stack([extractor().rows([View(one)])[0] for one in pictures])
    forget_features(store)

    together = extractor(threads=3).rows([View(one) for one in pictures[::-1]])

    np.testing.assert_array_equal(together[::-1], alone)


def test_a_harmed_entry_is_computed_again_and_others_stay(extractor, pictures, store):
    forget_features(store)
    extractor().rows([View(store.add(makers.picture("square", 9)))])
    other = set(store.blobs.keys("memo/scopes/"))
    views = [View(one) for one in pictures]
    expected = extractor().rows(views)
    (key,) = [
        key
        for key in store.blobs.keys("memo/scopes/")
        if key not in other and not key.endswith(".json")
    ]
    store.blobs.put(key, store.blobs.get(key)[:-100])
    told: list[int] = []

    found = extractor(told=told).rows([*views, View(store.add(makers.picture("square", 9)))])

    np.testing.assert_array_equal(found[:4], expected)
    assert computed(told, 5) == 4


def test_rows_that_two_runs_computed_at_once_are_both_kept(extractor, pictures, store):
    forget_features(store)
    for one in pictures[:2]:  # as each would that found nothing
        extractor().rows([View(one)])
    told: list[int] = []

    extractor(told=told).rows([View(one) for one in pictures[:2]])

    assert computed(told, 2) == 0


def test_features_do_not_depend_on_code_of_deploying_or_searching(extractor):
    for augmented in (False, True):
        code = extractor().preprocessing.code(augmented)
        reach = closure(code.modules, set(code.parts), own_tables=True)

        assert "stages.runtime.pictures" in reach
        assert "stages.runtime.sounds" not in reach
        assert not [
            name
            for name in reach
            if name.startswith(("stages.deploy", "stages.train.search", "stages.models"))
        ]
        assert ("stages.etl.augment" in reach) == augmented


def test_views_differ_from_the_picture_and_follow_augmentations_and_seed(extractor, pictures):
    views = [View(pictures[0], number) for number in range(3)]
    noise = ({"noise": {"deviation": 20.0}},)

    plain = extractor(augmentations=noise).rows(views)
    seeded = extractor(augmentations=noise, seed=1).rows(views)

    assert len({row.tobytes() for row in plain}) == 3
    np.testing.assert_array_equal(seeded[0], plain[0])
    assert not np.array_equal(seeded[1], plain[1])


def test_adding_views_does_not_compute_pictures_again(extractor, pictures):
    told: list[int] = []
    extractor().rows([View(one) for one in pictures])

    extractor(told=told).rows([View(one, number) for one in pictures for number in range(2)])

    assert told[0] == 4
    assert told[-1] == 8


def test_a_backbone_is_exported_once_and_again_if_it_was_lost(store, backbone):
    assert backbone_file(FAMILY, store) == backbone
    backbone.path.unlink()

    assert backbone_file(FAMILY, store).path.is_file()
    backbone.path.unlink()
    store.blobs.remove(f"blobs/{backbone.digest[:2]}/{backbone.digest}")

    assert backbone_file(FAMILY, store) == backbone
    assert backbone.path.is_file()


def test_features_are_those_of_paddle(store, backbone, extractor, pictures):
    import paddle

    from stages.models.network import fill
    from stages.runtime import steps as runtime

    network = FAMILY.backbone()
    fill(network, FAMILY.load())
    network.eval()
    steps = [step.model_dump() for step in extractor().preprocessing.before]

    found = extractor().rows([View(pictures[0])])[0]

    with paddle.no_grad():
        image = paddle.to_tensor(runtime.run(steps, store.get(pictures[0]))[None])
        expected = network(image).numpy()[0]
    np.testing.assert_allclose(found, expected, atol=1e-4 * np.abs(expected).max())


def test_the_row_of_several_windows_is_the_mean_of_theirs():
    windows = np.arange(24, dtype=np.float32).reshape(3, 1, 2, 4)

    row = mean_row(lambda batch: batch[0].ravel(), windows)

    np.testing.assert_array_equal(row, windows.reshape(3, -1).mean(axis=0))
    assert row.dtype == np.float32
