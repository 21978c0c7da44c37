"""Held-out samples and test side by side: a drop comes first and silences what rests on them."""

import json
from dataclasses import replace

import numpy as np
import pytest

from stages.config import EvaluateConfig
from stages.evaluate.about import About
from stages.evaluate.kinds import Unseen
from stages.evaluate.labels import Labels
from stages.evaluate.predictions import Predicted
from stages.media.pictures import Pictures
from tests.evaluate import boxed
from tests.metrics.worlds import world

LABELS = ("apple", "lime", "pear")


def answers(truth, right, sure, seed):
    """Scores: a share `right` is right, all with the score `sure`."""
    rng = np.random.default_rng(seed)
    wrong = (truth + rng.integers(1, len(LABELS), len(truth))) % len(LABELS)
    labels = np.where(rng.random(len(truth)) < right, truth, wrong)
    rest = (1 - sure) / (len(LABELS) - 1)
    return (np.eye(len(LABELS))[labels] * (sure - rest) + rest).round(6).tolist()


def predicted(right, sure=0.95, n=240, groups=()):
    truth = np.arange(n) % len(LABELS)
    names = tuple(f"{row:03}.png" for row in range(n))
    files = tuple(f"{row:064}" for row in range(n))
    scores = answers(truth, right, sure, 1)
    return Predicted(LABELS, names, files, truth.tolist(), scores, groups=groups)


def unseen(right, sure=0.95, n=900, labels=3):
    truth = np.arange(n) % labels
    return Unseen(truth.tolist(), answers(truth, right, sure, 2), [f"{k:064x}" for k in range(n)])


def evaluated(right, held_out, **options):
    case = predicted(right, **options)
    return Labels().evaluated(case, EvaluateConfig(), unseen=unseen(held_out))


def page_of(found):
    about = About("fruit", "a model", "photo", [], [], {"test": {"apple": 3}}, {"test": 3})
    return Labels().page(found, about, lambda row: boxed.grey(), Pictures(), 3)


def test_a_drop_ranks_first_with_both_figures_and_what_it_means():
    found = evaluated(0.92, 0.98)

    first = found.advice[0]
    assert found.dropped
    assert first.startswith("Balanced accuracy drops by ")
    assert "on photos held out of training to" in first
    assert "bring such to training" in first
    figure = found.comparison.figures[0]
    assert figure.test == found.measured.overall["balanced_accuracy"]
    assert figure.held_out.n == 900


def test_a_drop_silences_the_check_of_labels_on_which_the_model_only_seems_sure():
    dropped, honest = evaluated(0.93, 0.985), evaluated(0.93, 0.93)

    assert not any("Check the labels" in line for line in dropped.advice)
    assert any("Check the labels" in line for line in honest.advice)
    assert not any(mistake.suspicious for mistake in dropped.mistakes)
    assert "check the label" not in page_of(dropped)
    assert "check the label" in page_of(honest)


@pytest.mark.parametrize(("right", "held_out"), [(0.93, 0.93), (0.97, 0.9), (0.965, 0.98)])
def test_chance_and_a_better_test_are_no_drop(right, held_out):
    found = evaluated(right, held_out, n=90)

    assert not found.dropped
    assert not any("drops by" in line for line in found.advice)
    assert "no significant drop" in found.comparison.summary


def test_the_reader_is_told_how_far_to_trust_scores():
    over, fair = evaluated(0.75, 0.98, sure=0.95), evaluated(0.95, 0.95, sure=0.95)

    assert "Scores are too high" in over.advice[0]
    assert "95 %" in over.comparison.trust
    assert "Scores can be trusted" in fair.comparison.trust


def test_only_labels_that_both_have_are_compared():
    case = predicted(0.95)
    answered = unseen(0.95, n=600, labels=2)

    found = Labels().evaluated(case, EvaluateConfig(), unseen=answered)

    assert found.comparison.figures[0].test.n == 160
    assert not found.dropped


def test_a_test_without_any_label_of_the_held_out_samples_is_not_compared():
    case = predicted(0.95)
    only = replace(case, truth=[2] * len(case.truth))
    answered = unseen(0.95, n=600, labels=2)

    assert Labels().evaluated(only, EvaluateConfig(), unseen=answered).comparison is None


def test_the_page_and_the_record_have_both_side_by_side():
    found = evaluated(0.8, 0.98)
    record = json.loads(found.record())["held_out"]

    page = page_of(found)
    assert "<h2>Held out and test</h2>" in page
    places = [page.index(text) for text in ("What to do next", "Held out and test", "Labels</h2>")]
    assert places == sorted(places)
    assert record["dropped"] is True
    assert set(record["figures"]) == {"balanced_accuracy", "accuracy"}
    assert "<h2>Held out and test</h2>" not in page_of(
        Labels().evaluated(predicted(0.9), EvaluateConfig())
    )


def test_clips_of_one_speaker_prove_no_drop():
    groups = tuple("group:anna" for _ in range(240))

    assert evaluated(0.9, 0.98).dropped
    assert not evaluated(0.9, 0.98, groups=groups).dropped


def test_a_detector_that_finds_less_in_the_test_is_told_first():
    good, bad = world(1, 60, 2, finds=0.97), world(2, 60, 2, finds=0.4)

    dropped = boxed.evaluated(*bad, unseen=Unseen(*good))
    same = boxed.evaluated(*good, unseen=Unseen(*world(3, 60, 2, finds=0.97)))

    assert dropped.advice[0].startswith("AP50 drops by ")
    assert not any(mistake.suspicious for mistake in dropped.mistakes)
    assert not same.dropped
    assert "<h2>Held out and test</h2>" in boxed.page_of(dropped)
