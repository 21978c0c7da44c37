"""Features are divided by a scale between their own deviation and that of their statistic."""

from dataclasses import replace

import numpy as np

from stages.models.family import LAST
from stages.parts import FAMILIES
from stages.train.heads.standardised import LEAST_DEVIATION, StandardisedFeatures
from tests.train.conftest import INPUT, blobs


def standardised(deviations: np.ndarray, feature_maps: str = LAST) -> StandardisedFeatures:
    """Features of `feature_maps` with these `deviations`, whose mean is 5."""
    problem = blobs(samples=400)
    noise = np.random.default_rng(0).normal(size=(400, len(deviations)))
    noise = (noise - noise.mean(axis=0)) / noise.std(axis=0)
    features = (5 + noise * deviations).astype(np.float32)
    return StandardisedFeatures(replace(problem, features={INPUT: features}), INPUT, feature_maps)


def test_the_scale_is_a_quarter_of_the_way_from_the_common_deviation_to_its_own():
    deviations = np.linspace(0.5, 2, 1280)

    features = standardised(deviations)

    common = np.sqrt(np.mean(deviations**2))
    np.testing.assert_allclose(features.scale, common**0.75 * deviations**0.25, rtol=1e-3)
    rows = features.rows.numpy()
    np.testing.assert_allclose(rows.mean(axis=0), 0, atol=1e-3)
    np.testing.assert_allclose(rows.std(axis=0), (deviations / common) ** 0.75, rtol=1e-2)


def test_features_of_inner_maps_are_half_as_large():
    count = FAMILIES[INPUT.partition("@")[0]].feature_counts["last+16"]
    deviations = np.where(np.arange(count) < 1280, 2.0, 3.0)

    rows = standardised(deviations, "last+16").rows.numpy()

    np.testing.assert_allclose(rows[:, :1280].std(axis=0), 1, rtol=1e-3)
    np.testing.assert_allclose(rows[:, 1280:].std(axis=0), 0.5, rtol=1e-3)


def test_a_feature_that_hardly_varies_stays_small():
    deviations = np.ones(1280)
    deviations[:3] = [0, 1e-7, 1e-4]

    features = standardised(deviations)

    assert np.isfinite(features.rows.numpy()).all()
    assert features.rows.numpy()[:, :3].std(axis=0).max() < LEAST_DEVIATION


def test_features_that_never_vary_have_a_scale_of_one():
    assert (standardised(np.zeros(1280)).scale == 1).all()
