"""Intervals of samples that come in groups: they cover, and more of the same groups tell little."""

import numpy as np
import pytest

from stages.artifacts import Measure
from stages.metrics import measure, proportion
from stages.metrics.boxes import measure_boxes
from stages.metrics.clusters import clusters_of, share
from stages.metrics.paired import balanced_drop, effective_pairs, loss_rise, paired_drop
from stages.metrics.unpaired import drop_between
from tests.metrics.worlds import world

WORLDS = 300
LABELS = ["a", "b", "c"]


def speakers(rng, groups, each, right=0.8, correlation=0.3):
    """The group of each of `each` clips of `groups` speakers, and whether it is right;
    `correlation`: of the clips of a speaker."""
    spread = (1 - correlation) / correlation
    shares = rng.beta(right * spread, (1 - right) * spread, groups)
    keys = np.repeat(np.arange(groups), each)
    return keys, rng.random(len(keys)) < shares[keys]


def scores_of(answers, labels=3):
    return np.eye(labels)[answers] * 0.7 + 0.1


def holds(measured, value):
    return measured.low <= value <= measured.high


@pytest.mark.parametrize(("groups", "each"), [(6, 50), (12, 20), (40, 5)])
def test_a_share_is_covered_where_clips_of_one_speaker_are_alike(groups, each):
    rng = np.random.default_rng(1)
    grouped = plain = 0
    for _ in range(WORLDS):
        keys, hits = speakers(rng, groups, each)
        grouped += holds(share(hits, clusters_of(keys.astype(str))), 0.8)
        plain += holds(proportion(int(hits.sum()), len(hits)), 0.8)

    assert grouped >= 0.92 * WORLDS
    assert plain < grouped - 0.1 * WORLDS


def test_means_over_labels_are_covered_where_groups_have_every_label():
    rng = np.random.default_rng(2)
    covered = dict.fromkeys(("accuracy", "balanced_accuracy", "macro_recall"), 0)
    for seed in range(WORLDS // 3):
        keys, hits = speakers(rng, 12, 24)
        truth = np.tile(np.arange(3), len(keys) // 3)
        answers = np.where(hits, truth, (truth + 1) % 3)
        found = measure(truth, scores_of(answers), LABELS, seed, groups=keys.astype(str).tolist())
        for name in covered:
            covered[name] += holds(found.overall[name], 0.8)

    assert min(covered.values()) >= 0.9 * (WORLDS // 3), covered


def test_one_speaker_with_many_clips_tells_as_little_as_one_clip():
    truth = np.arange(500) % 3
    found = measure(truth, scores_of(truth), LABELS, groups=["group:anna"] * 500)

    assert found.overall["accuracy"].low < 0.25
    assert found.overall["balanced_accuracy"].low < 0.25
    assert found.labels["a"]["recall"].low < 0.25
    assert found.overall["accuracy"].n == 500


@pytest.mark.parametrize("copies", [2, 10])
def test_more_clips_of_the_same_speakers_do_not_narrow_an_interval(copies):
    keys, hits = speakers(np.random.default_rng(3), 8, 20, correlation=0.5)
    once = share(hits, clusters_of(keys.astype(str)))
    again = share(np.tile(hits, copies), clusters_of(np.tile(keys, copies).astype(str)))

    assert (again.low, again.high) == pytest.approx((once.low, once.high), abs=0.02)


def test_few_speakers_without_a_mistake_are_no_proof():
    few, many = (
        share(np.ones(600, bool), clusters_of(np.repeat(np.arange(groups), 600 // groups)))
        for groups in (3, 100)
    )

    assert few.low < 0.8 < 0.95 < many.low


def test_groups_of_one_sample_change_nothing():
    truth = np.arange(60) % 3
    answers = np.where(np.arange(60) % 7 == 0, (truth + 1) % 3, truth)

    alone = measure(truth, scores_of(answers), LABELS)
    grouped = measure(truth, scores_of(answers), LABELS, groups=[str(row) for row in range(60)])

    assert alone == grouped


def test_values_do_not_depend_on_groups_and_intervals_are_never_narrower():
    keys, hits = speakers(np.random.default_rng(5), 10, 12)
    truth = np.tile(np.arange(3), len(keys) // 3)
    answers = np.where(hits, truth, (truth + 1) % 3)
    alone = measure(truth, scores_of(answers), LABELS)
    grouped = measure(truth, scores_of(answers), LABELS, groups=keys.astype(str).tolist())

    for name, plain in alone.overall.items():
        assert grouped.overall[name].value == plain.value
        if name != "log_loss":
            assert grouped.overall[name].low <= plain.low + 1e-3
            assert grouped.overall[name].high >= plain.high - 1e-3
    for label, each in alone.labels.items():
        for name in ("precision", "recall", "f1"):
            assert grouped.labels[label][name].value == pytest.approx(each[name].value)
            assert grouped.labels[label][name].low <= each[name].low + 1e-9


def test_boxes_of_one_scene_are_wider_than_of_many():
    truth, answers = world(1, 60, 2, finds=0.8)
    alone = measure_boxes(truth, answers, ["cat", "dog"], 0.3)
    scenes = measure_boxes(
        truth * 2, answers * 2, ["cat", "dog"], 0.3, groups=[str(k % 60) for k in range(120)]
    )
    scene = measure_boxes(truth, answers, ["cat", "dog"], 0.3, groups=["group:yard"] * 60)

    for name in ("ap50", "micro_recall", "micro_precision"):
        before, after = alone.overall[name], scenes.overall[name]
        assert (after.low, after.high) == pytest.approx((before.low, before.high), abs=0.02)
        assert (scene.overall[name].low, scene.overall[name].high) == (0.0, 1.0)


def test_a_drop_between_two_sets_has_newcombes_interval():
    """The example of Newcombe (1998), method 10: 56 of 70 against 48 of 80."""
    found = drop_between(proportion(56, 70), proportion(48, 80))

    assert found.value == pytest.approx(0.2)
    assert (found.low, found.high) == pytest.approx((0.0524, 0.3339), abs=1e-4)


def test_a_drop_to_what_was_not_measured_is_unknown():
    assert drop_between(proportion(56, 70), proportion(0, 0)) == Measure(
        value=0.0, low=-1.0, high=1.0, n=0
    )


@pytest.mark.parametrize(("groups", "each"), [(12, 25), (40, 6)])
def test_a_paired_drop_is_covered_where_networks_differ_by_speaker(groups, each):
    rng = np.random.default_rng(3)
    grouped = plain = 0
    for _ in range(WORLDS):
        keys, agrees = speakers(rng, groups, each, right=0.9)
        truth = np.zeros(len(keys), int)
        after = np.where(agrees, 0, 1)  # the first network is always right
        clusters = clusters_of(keys.astype(str))
        grouped += holds(paired_drop(truth, truth, after, clusters), 0.1)
        plain += holds(paired_drop(truth, truth, after), 0.1)

    assert grouped >= 0.9 * WORLDS
    assert plain < grouped - 0.1 * WORLDS


def test_pairs_count_as_fewer_if_one_group_lost_what_another_won():
    before, after = np.ones(40, bool), np.ones(40, bool)
    before[:10], after[10:20] = False, False
    clusters = clusters_of([str(k // 10) for k in range(40)])

    assert effective_pairs(before, after, None) == 40
    assert effective_pairs(before, after, clusters) == pytest.approx(4)  # one answer a group


def test_a_balanced_drop_is_covered_where_networks_differ_by_speaker():
    rng = np.random.default_rng(4)
    grouped = plain = 0
    for _ in range(WORLDS):
        keys, agrees = speakers(rng, 20, 15, right=0.9)
        truth = np.arange(len(keys)) % 3
        after = np.where(agrees, truth, (truth + 1) % 3)
        clusters = clusters_of(keys.astype(str))
        grouped += holds(balanced_drop(truth, truth, after, clusters), 0.1)
        plain += holds(balanced_drop(truth, truth, after), 0.1)

    assert grouped >= 0.9 * WORLDS
    assert plain < grouped - 0.1 * WORLDS


def test_groups_of_one_sample_leave_drops_as_they_are():
    truth, each = np.arange(60) % 3, [str(row) for row in range(60)]
    after = np.where(np.arange(60) % 7 == 0, (truth + 1) % 3, truth)

    assert clusters_of(each) is None
    assert balanced_drop(truth, truth, after, clusters_of(each)) == balanced_drop(
        truth, truth, after
    )


def test_a_rise_of_the_loss_has_the_interval_of_groups():
    keys = np.repeat(np.arange(10), 30)
    rise = np.repeat(np.random.default_rng(0).normal(0.1, 0.3, 10), 30)
    zeros = np.zeros(len(rise))

    alone = loss_rise(zeros, rise)
    grouped = loss_rise(zeros, rise, clusters=clusters_of(keys.astype(str)))

    assert grouped.value == alone.value
    assert grouped.high - grouped.low > 3 * (alone.high - alone.low)
