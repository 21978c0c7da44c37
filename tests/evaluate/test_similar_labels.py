"""Pairs of similar labels are reported, with numbers and samples; others are not."""

import io
import json

import numpy as np
import pytest
from PIL import Image

from stages.artifacts import Dataset
from stages.blobs.folder import FolderBlobs
from stages.config import EvaluateConfig, EvaluateSlice
from stages.etl.manifest import Sample, write_manifest
from stages.evaluate import evaluate
from stages.evaluate.kinds import Unseen
from stages.evaluate.labels.pooled import pooled_answers
from stages.evaluate.labels.scores import Scored, scored
from stages.evaluate.labels.similar import similar_labels
from stages.evaluate.predictions import Predicted
from stages.store import Store
from stages.tracking import QuietRun
from tests import makers
from tests.evaluate import small

LABELS = ("hat", "shirt", "skirt", "dress", "shoes")


def answered(confusion, seed: int = 0) -> Scored:
    """Samples of the counts of `confusion`, sure of what they say."""
    counts = np.asarray(confusion)
    truth, answers = (np.repeat(side.ravel(), counts.ravel()) for side in np.indices(counts.shape))
    sure = np.random.default_rng(seed).uniform(0.5, 0.9, len(truth))
    scores = np.repeat(((1 - sure) / (len(counts) - 1))[:, None], len(counts), axis=1)
    scores[np.arange(len(truth)), answers] = sure
    return scored(truth.tolist(), scores.tolist(), len(counts))


def predicted(test: Scored) -> Predicted:
    n = len(test.truth)
    names = tuple(f"{row}.png" for row in range(n))
    files = tuple(f"{row:064}" for row in range(n))
    return Predicted(LABELS, names, files, test.truth.tolist(), test.scores.tolist())


def pairs_of(confusion, held_out=None, other=None):
    test = answered(confusion)
    if held_out is None:
        return similar_labels(pooled_answers(predicted(test), test, None, test), other)
    rest = answered(held_out, seed=1)
    digests = [f"t{row}" for row in range(len(rest.truth))]
    unseen = Unseen(rest.truth.tolist(), rest.scores.tolist(), digests)
    return similar_labels(pooled_answers(predicted(test), test, unseen, rest), other)


def even(right: int = 36, wrong: int = 1) -> np.ndarray:
    counts = np.full((5, 5), wrong)
    np.fill_diagonal(counts, right)
    return counts


def test_two_labels_that_were_made_alike_are_told_with_the_commoner_direction_first():
    counts = even()
    counts[3, 2], counts[2, 3] = 12, 6

    (pair,) = pairs_of(counts)

    assert (pair.label, pair.other) == ("dress", "skirt")
    assert (pair.there.value, pair.there.n) == (12 / 51, 51)
    assert (pair.back.value, pair.back.n) == (6 / 45, 45)
    assert pair.there.low < 12 / 51 < pair.there.high
    assert pair.evenly == pytest.approx(15 / 4 / 51)
    assert "'dress' is taken for 'skirt' 12 times in 51" in pair.summary


def test_the_samples_that_show_it_are_those_most_like_the_other():
    counts = even()
    counts[3, 2] = 12

    (pair,) = pairs_of(counts)

    dresses, skirts = pair.samples
    assert all(sample.true == "dress" and sample.wrong for sample in dresses)
    assert all(sample.true == "skirt" for sample in skirts)
    assert [sample.score for sample in dresses] == sorted(
        (sample.score for sample in dresses), reverse=True
    )


def test_held_out_answers_tell_a_pair_that_the_test_alone_would_not():
    few, many = even(9, 0), even()
    few[3, 2], many[3, 2] = 2, 12

    (pair,) = pairs_of(few, held_out=many)

    assert pairs_of(few) == ()
    assert (pair.tested, pair.held_out) == (2, 13)
    assert {sample.row for sample in pair.samples[0]} & {-1}


def test_a_label_that_is_bad_at_everything_is_not_alike_to_anything():
    counts = even()
    counts[0] = [20, 6, 7, 5, 6]

    assert pairs_of(counts) == ()


def test_of_two_labels_there_is_no_pair_to_tell():
    test = answered([[30, 20], [10, 40]])
    pooled = pooled_answers(predicted(test), test, None, test)

    assert (
        similar_labels(
            type(pooled)(("cat", "dog"), test, pooled.digests, pooled.names, pooled.tested)
        )
        == ()
    )


def test_taken_for_none_of_these_is_no_look_alike():
    counts = even()
    counts[3, 4] = counts[4, 3] = 20

    assert pairs_of(counts)
    assert pairs_of(counts, other=4) == ()


def test_mistakes_that_fall_evenly_hardly_ever_tell_a_pair():
    rng = np.random.default_rng(0)
    found = 0
    for _ in range(200):
        counts = np.stack(
            [rng.multinomial(60, np.where(np.arange(5) == i, 0.8, 0.05)) for i in range(5)]
        )
        found += bool(pairs_of(counts))

    assert found <= 0.05 * 200


COLOURS = {
    "grass": (40, 150, 40),
    "sky": (70, 120, 230),
    "sea": (70, 120, 230),
    "rose": (220, 40, 60),
}


def colour(label: str, seed: int) -> bytes:
    """A PNG of noise about one colour; that of the sea is that of the sky."""
    rng = np.random.default_rng([seed, list(COLOURS).index(label)])
    out = io.BytesIO()
    noisy = rng.normal(COLOURS[label], 25, (16, 16, 3)).clip(0, 255).astype(np.uint8)
    Image.fromarray(noisy).save(out, "PNG")
    return out.getvalue()


def test_two_labels_with_the_same_pictures_are_told_on_the_report(tmp_path):
    store = Store(FolderBlobs(tmp_path / "store"), tmp_path / "cache")
    samples = [
        Sample(f"{label}/{k}.png", store.add(colour(label, k)), label, "test" if k % 2 else "train")
        for label in COLOURS
        for k in range(60)
    ]
    fields = {"labels": tuple(sorted(COLOURS)), "counts": {"train": {}, "test": {}}}
    files = {"manifest.csv": store.add(write_manifest(samples))}
    dataset = Dataset(task="image_classification", revision="0", files=files, **fields)
    store.save(dataset)
    model = small.model(store, dataset)
    services = {"store": store, "run": QuietRun(), "resources": makers.resources(tmp_path)}

    report = evaluate(model, dataset, EvaluateSlice(evaluate=EvaluateConfig()), **services)

    (pair,) = json.loads(store.get(report.files["metrics.json"]))["similar_labels"]
    assert {pair["label"], pair["other"]} == {"sea", "sky"}
    page = store.get(report.files["report.html"]).decode()
    section = page.partition("Similar labels")[2].partition("Answering only when sure")[0]
    assert section.count("<img") == 6
    assert "Look at how these two differ" in page
