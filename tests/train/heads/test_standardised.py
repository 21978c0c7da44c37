"""Features are divided by a scale between their own deviation and that of their statistic."""

from dataclasses import replace

import numpy as np

from stages.train.heads.standardised import LEAST_DEVIATION, StandardisedFeatures
from tests.train.conftest import INPUT, blobs


def standardised(deviations: np.ndarray) -> StandardisedFeatures:
    """Features of the last map with these `deviations`, whose mean is 5."""
    problem = blobs(samples=400)
    noise = np.random.default_rng(0).normal(size=(400, len(deviations)))
    noise = (noise - noise.mean(axis=0)) / noise.std(axis=0)
    features = (5 + noise * deviations).astype(np.float32)
    return StandardisedFeatures(replace(problem, features={INPUT: features}), INPUT)


def test_the_scale_is_the_geometric_mean_of_both_deviations():
    deviations = np.linspace(0.5, 2, 1280)

    features = standardised(deviations)

    common = np.sqrt(np.mean(deviations**2))
    np.testing.assert_allclose(features.scale, np.sqrt(common * deviations), rtol=1e-3)
    rows = features.rows.numpy()
    np.testing.assert_allclose(rows.mean(axis=0), 0, atol=1e-3)
    np.testing.assert_allclose(rows.std(axis=0), np.sqrt(deviations / common), rtol=1e-2)


def test_a_feature_that_hardly_varies_stays_small():
    deviations = np.ones(1280)
    deviations[:3] = [0, 1e-7, 1e-4]

    features = standardised(deviations)

    assert np.isfinite(features.rows.numpy()).all()
    assert features.rows.numpy()[:, :3].std(axis=0).max() < LEAST_DEVIATION


def test_features_that_never_vary_have_a_scale_of_one():
    assert (standardised(np.zeros(1280)).scale == 1).all()
