"""Features are computed once for each picture and view, and are the same however they are
computed."""

import numpy as np
import pytest

from stages.closure import closure
from stages.parts import FAMILIES, TASKS
from stages.resources import Resources
from stages.train.distributed import executor
from stages.train.heads.backbone import backbone_file
from stages.train.heads.features import Extractor, Preprocessing, SampleView, mean_row
from tests import makers
from tests.train import here

FAMILY = FAMILIES["efficientnet_lite0"]


@pytest.fixture(scope="module")
def dataset(store):
    return makers.dataset(store, each=10, views=2)


@pytest.fixture
def extractor(store, backbone, dataset, tmp_path):
    def make(threads: int = 1, on_cluster: bool = False, **changes) -> Extractor:
        resources = Resources(cores=threads, scratch=tmp_path)
        before = TASKS[dataset.task]().before(FAMILY, 64, dataset)
        reports = changes.pop("reports", [])
        used = dataset.model_copy(update=changes)
        preprocessing = Preprocessing(before, used, store)
        return Extractor(backbone, preprocessing, resources, reports.append, on_cluster)

    return make


@pytest.fixture
def pictures(store):
    return [store.add(makers.picture("square", seed)) for seed in range(4)]


def computed(reports: list[int], wanted: int) -> int:
    """How many rows were computed, by the first report."""
    return wanted - reports[0]


def forget_features(store):
    for key in list(store.blobs.keys("memo/scopes/")):
        store.blobs.remove(key)


def test_only_what_is_missing_is_computed(extractor, pictures, store):
    forget_features(store)
    first, again, third = [], [], []

    extractor(reports=first).rows([SampleView(digest) for digest in pictures[:3]])
    extractor(reports=again).rows([SampleView(digest) for digest in pictures[:3]])
    extractor(reports=third).rows([SampleView(digest) for digest in pictures])

    assert [computed(first, 3), computed(again, 3), computed(third, 4)] == [3, 0, 1]


def test_rows_stand_in_the_order_asked_for_and_do_not_depend_on_company_or_cores(
    extractor, pictures, store
):
    alone = np.stack([extractor().rows([SampleView(digest)])[0] for digest in pictures])
    forget_features(store)

    reversed_rows = extractor(threads=3).rows([SampleView(digest) for digest in pictures[::-1]])

    np.testing.assert_array_equal(reversed_rows[::-1], alone)


def test_a_cluster_without_memory_for_a_worker_says_how_to_do_without_it(
    extractor, pictures, store, monkeypatch
):
    forget_features(store)
    wanted = []

    def pool(make, shared, resources, **options):
        wanted.append(options)
        return here.worker_pool(make, shared, resources, **options)

    monkeypatch.setattr(executor, "worker_pool", pool)
    views = [SampleView(digest) for digest in pictures]

    rows = extractor(on_cluster=True).rows(views)

    [options] = wanted
    assert "unset AIWF_RAY" in options["remedy"]
    assert options["worker_data"] == 4 * options["shared_bytes"]
    assert options["workers"] == 1  # for a few rows, however many cores there are
    forget_features(store)
    np.testing.assert_array_equal(rows, extractor().rows(views))


def test_a_harmed_entry_is_computed_again_and_others_stay(extractor, pictures, store):
    forget_features(store)
    extractor().rows([SampleView(store.add(makers.picture("square", 9)))])
    other = set(store.blobs.keys("memo/scopes/"))
    views = [SampleView(digest) for digest in pictures]
    expected = extractor().rows(views)
    (key,) = [
        key
        for key in store.blobs.keys("memo/scopes/")
        if key not in other and not key.endswith(".json")
    ]
    store.blobs.put(key, store.blobs.get(key)[:-100])
    reports: list[int] = []

    found = extractor(reports=reports).rows(
        [*views, SampleView(store.add(makers.picture("square", 9)))]
    )

    np.testing.assert_array_equal(found[:4], expected)
    assert computed(reports, 5) == 4


def test_rows_that_two_runs_computed_at_once_are_both_kept(extractor, pictures, store):
    forget_features(store)
    for digest in pictures[:2]:  # as each would that found nothing
        extractor().rows([SampleView(digest)])
    reports: list[int] = []

    extractor(reports=reports).rows([SampleView(digest) for digest in pictures[:2]])

    assert computed(reports, 2) == 0


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
    views = [SampleView(pictures[0], number) for number in range(3)]
    noise = ({"noise": {"deviation": 20.0}},)

    plain = extractor(augmentations=noise).rows(views)
    seeded = extractor(augmentations=noise, seed=1).rows(views)

    assert len({row.tobytes() for row in plain}) == 3
    np.testing.assert_array_equal(seeded[0], plain[0])
    assert not np.array_equal(seeded[1], plain[1])


def test_adding_views_does_not_compute_pictures_again(extractor, pictures):
    reports: list[int] = []
    extractor().rows([SampleView(digest) for digest in pictures])

    extractor(reports=reports).rows(
        [SampleView(digest, number) for digest in pictures for number in range(2)]
    )

    assert reports[0] == 4
    assert reports[-1] == 8


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

    found = extractor().rows([SampleView(pictures[0])])[0]

    with paddle.no_grad():
        image = paddle.to_tensor(runtime.run(steps, store.get(pictures[0]))[None])
        expected = network(image).numpy()[0]
    np.testing.assert_allclose(found, expected, atol=1e-4 * np.abs(expected).max())


def test_the_row_of_several_windows_is_the_mean_of_theirs():
    windows = np.arange(24, dtype=np.float32).reshape(3, 1, 2, 4)

    row = mean_row(lambda batch: batch[0].ravel(), windows)

    np.testing.assert_array_equal(row, windows.reshape(3, -1).mean(axis=0))
    assert row.dtype == np.float32
