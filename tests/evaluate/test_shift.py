"""A test that is unlike training is told, with the reason; an honest split is left in peace."""

import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from stages.etl.manifest import samples_of, write_manifest
from stages.evaluate.labels import shift_text
from stages.evaluate.labels.shift import _features, shift_of
from stages.evaluate.training import Training
from stages.metrics.two_samples import classifier_two_sample_test, differences, flags_of, mixture
from stages.parts import FAMILIES, TASKS
from stages.train.heads.backbone import backbone_file
from stages.train.heads.features import Extractor, Preprocessing, SampleView
from tests import makers
from tests.evaluate import small


def points(seed: int, samples: int = 120, moved: float = 0.0, labels: int = 4, away: float = 3.0):
    """Features around a centre for each label, those `away` from each other; a third of the samples
    are the second set, of other labels more often, and `moved` along one direction."""
    rng = np.random.default_rng(seed)
    label = rng.integers(0, labels, samples)
    second = rng.random(samples) < np.linspace(0.15, 0.5, labels)[label]
    features = rng.normal(size=(samples, 30)) + away * rng.normal(size=(labels, 30))[label]
    features[second, 0] += moved
    return features, second, label


def test_an_honest_split_is_hardly_ever_called_shifted():
    """At p = 0.05, so that few worlds tell it; a report asks for 0.01."""
    apart = traits = mixed = 0
    for seed in range(100):
        features, second, label = points(seed)
        flags = flags_of(second, label, seed)
        apart += classifier_two_sample_test(features, flags, label, seed).p <= 0.05
        traits += differences(features[:, :6], flags, label)[1].min() <= 0.05
        mixed += mixture(flags, label) <= 0.05

    assert apart <= 10  # 5 expected; more than 10 come once in a hundred times
    assert traits <= 10
    assert mixed > 50  # the labels were mixed otherwise, and that is what is told


def test_a_shift_is_told_with_an_interval_that_leaves_chance_out():
    features, second, label = points(0, samples=240, moved=2.0)

    found = classifier_two_sample_test(features, flags_of(second, label), label)

    assert found.p == 0.001
    assert 0.6 < found.auc.low < found.auc.value < found.auc.high <= 1


def test_labels_that_lie_far_apart_do_not_hide_a_shift():
    found = []
    for seed in range(5):
        features, second, label = points(seed, samples=200, moved=1.0, away=10.0)
        found.append(classifier_two_sample_test(features, flags_of(second, label), label).auc.value)

    assert min(found) > 0.55


def test_only_the_trait_that_differs_is_named():
    features, second, label = points(1, samples=240, moved=-2.0)

    higher, p = differences(features, flags_of(second, label), label)

    assert np.flatnonzero(p <= 0.01).tolist() == [0]
    assert higher[0] < 0.25


def test_ties_count_half():
    label, second = np.zeros(40, int), np.arange(40) % 2 == 1

    higher, p = differences(np.ones((40, 1)), flags_of(second, label), label)

    assert (higher[0], p[0]) == (0.5, 1.0)


def darker(data: bytes) -> bytes:
    picture = np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
    out = io.BytesIO()
    Image.fromarray((picture * 0.45).astype(np.uint8)).save(out, "PNG")
    return out.getvalue()


@pytest.fixture(scope="module")
def honest(tmp_path_factory):
    folder = tmp_path_factory.mktemp("honest")
    store, dataset, model = small.stored_shapes(folder, each=60)
    return Training(model, dataset, store, makers.resources(folder))


def changed(training: Training, change) -> Training:
    """Its test photos changed, as another camera would."""
    store, dataset = training.store, training.dataset
    samples = [
        replace(sample, digest=store.add(change(store.get(sample.digest))))
        if sample.split == "test"
        else sample
        for sample in samples_of(dataset, store)
    ]
    files = {**dataset.files, "manifest.csv": store.add(write_manifest(samples))}
    return training._replace(dataset=dataset.model_copy(update={"files": files}))


def test_nothing_is_found_in_an_honest_split_and_that_is_said(honest):
    found = shift_of(honest)

    assert not found.found
    assert found.out_of_distribution == ()
    assert shift_text.summary(found).startswith("No shift was found.")
    assert "brightness" in shift_text.summary(found)
    assert shift_text.advice(found) == []


def test_a_test_that_was_made_darker_is_found_for_that_reason(honest):
    found = shift_of(changed(honest, darker))

    assert found.found
    assert "brightness" in {trait.name for trait in found.reasons[:2]}
    brightness = next(trait for trait in found.traits if trait.name == "brightness")
    assert brightness.test < 0.6 * brightness.training
    assert brightness.share_higher < 0.1
    assert "less brightness" in shift_text.summary(found)
    assert "less brightness" in shift_text.advice(found)[0]


def test_another_kind_of_file_is_found_for_that_reason(honest):
    def stored(data: bytes) -> bytes:
        out = io.BytesIO()
        Image.open(io.BytesIO(data)).convert("RGB").save(out, "BMP")
        return out.getvalue()

    found = shift_of(changed(honest, stored))

    assert [trait.name for trait in found.reasons] == ["file size in bytes"]


def stamped(data: bytes) -> bytes:
    """With a small chequered sticker as bright as what it covers."""
    picture = np.asarray(Image.open(io.BytesIO(data)).convert("RGB")).copy()
    squares = np.indices((16, 16)).sum(axis=0) // 4 % 2 * 60 + 15
    picture[:16, :16] = squares[..., None]
    out = io.BytesIO()
    Image.fromarray(picture).save(out, "PNG")
    return out.getvalue()


@pytest.mark.slow  # exports a backbone
def test_what_no_trait_shows_the_backbone_sees(honest):
    family = FAMILIES["efficientnet_lite0"]
    before = TASKS["image_classification"]().before(family, 64, honest.dataset)
    seeing = honest._replace(
        model=honest.model.model_copy(update={"weights": family.digests, "before": before})
    )

    found, none = shift_of(changed(seeing, stamped)), shift_of(seeing)

    assert found.apart.low > 0.6
    assert found.p <= 0.01
    assert len(found.out_of_distribution) == 6
    assert {sample.digest for sample in found.out_of_distribution}.isdisjoint(
        sample.near for sample in found.out_of_distribution
    )
    assert "classifier" in shift_text.summary(found)
    assert not none.found
    assert none.apart.low < 0.5 < none.apart.high


def test_equal_data_make_an_equal_finding(honest):
    assert shift_of(honest).record == shift_of(honest).record


def test_of_too_few_samples_nothing_is_told(tmp_path):
    store, dataset, model = small.stored_shapes(tmp_path, each=8)

    assert shift_of(Training(model, dataset, store, makers.resources(tmp_path))) is None


def test_features_of_a_model_with_inner_maps_are_those_that_training_cached(honest):
    """As wide as the features of its last map, and none is computed anew."""
    family, store, resources = FAMILIES["efficientnet_lite0"], honest.store, honest.resources
    before = TASKS["image_classification"]().before(family, 32, honest.dataset)
    hyperparameters = {"input": "efficientnet_lite0@32", "head": "linear", "feature_maps": "last"}
    changes = {"weights": family.digests, "before": before, "hyperparameters": hyperparameters}
    training = honest._replace(model=honest.model.model_copy(update=changes))
    samples = samples_of(honest.dataset, store)[:4]
    extractor = Extractor(
        backbone_file(family, store, resources, feature_maps=True),
        Preprocessing(before, honest.dataset, store),
        resources,
        lambda done: None,
    )
    rows = extractor.rows([SampleView(sample.digest) for sample in samples])
    cached = set(store.blobs.keys("memo/"))

    found = _features(training, samples)

    assert rows.shape == (4, max(family.feature_counts.values()))
    np.testing.assert_array_equal(found, rows[:, : family.features])
    assert set(store.blobs.keys("memo/")) == cached
