"""Mixing keeps what is there: shares add up, and the mean of a mixed map tells whose parts it
has."""

import numpy as np
import pytest

from stages.train.finetune.mixing import mix_batch


def batch() -> tuple:
    feature_maps = np.stack([np.full((2, 6, 6), number, np.float32) for number in range(8)])
    return feature_maps, np.eye(8, dtype=np.float32)


@pytest.mark.parametrize("how", ["mixup", "cutmix", "none"])
@pytest.mark.parametrize("seed", range(5))
def test_targets_say_how_much_of_whom_is_there(how: str, seed: int):
    feature_maps, targets = mix_batch(*batch(), how, 0.7, np.random.default_rng(seed))

    # each map holds its samples' numbers, so that its mean is the targets' mean of numbers
    np.testing.assert_allclose(feature_maps.mean(axis=(1, 2, 3)), targets @ np.arange(8), rtol=1e-5)
    np.testing.assert_allclose(targets.sum(axis=1), 1, rtol=1e-6)


def test_mixup_adds_a_share_of_another_sample_to_every_one():
    feature_maps, targets = mix_batch(*batch(), "mixup", 5.0, np.random.default_rng(0))

    shares = targets.max(axis=1)
    assert ((shares > 0.5) & (shares < 0.95)).sum() >= 6  # some may be mixed with themselves
    assert len(np.unique(feature_maps.mean(axis=(1, 2, 3)) % 1)) > 1


def test_without_mixing_nothing_changes():
    feature_maps, targets = mix_batch(*batch(), "none", 0.7, np.random.default_rng(0))

    np.testing.assert_array_equal(feature_maps, batch()[0])
    np.testing.assert_array_equal(targets, batch()[1])


def test_cutmix_takes_one_box_of_another():
    feature_maps, _ = mix_batch(*batch(), "cutmix", 0.7, np.random.default_rng(1))

    for number, mixed_map in enumerate(feature_maps):
        assert set(np.unique(mixed_map)) <= {number, *np.unique(mixed_map)}
        assert len(np.unique(mixed_map)) <= 2
