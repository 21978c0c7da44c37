"""Prior boxes have the sizes of the training boxes, in training, validation and the Model alike."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from stages.etl.augmentations import Scene
from stages.evaluate.native import graph_of, predictor_of
from stages.models.detector import PRIOR_SHARES, PRIOR_STRIDES
from stages.models.detector_assignment import overlap
from stages.runtime.priors import prior_boxes
from stages.tracking import QuietRun
from stages.train.detection.detector_fit import DetectorFit
from stages.train.detection.detector_model import save_model
from stages.train.detection.detector_search import Found
from stages.train.detection.preparation import prepare
from stages.train.detection.prior_sizes import MIN_RATIO, prior_sizes
from stages.train.detection.progress import answers_by
from stages.train.search.successive_halving import Trial, TrialResult
from tests import makers
from tests.train.detection.conftest import config, hyperparameters

INPUT = "mobile_ssd@96"
LEVELS = len(PRIOR_STRIDES)


def scenes(*sides, wide=80, high=40):
    """A picture for each of `sides`, with a box of that share of width and height."""
    return [
        Scene(
            np.zeros((high, wide, 3), np.uint8),
            np.array([[1, 1, 1 + side * wide, 1 + side * high, 0]], np.float32),
        )
        for side in sides
    ]


def test_each_level_begins_at_the_middle_of_a_cluster_of_sizes():
    found = prior_sizes(scenes(0.1, 0.1, 0.1, 0.2, 0.2, 0.4, 0.4, 0.4), LEVELS)

    np.testing.assert_allclose(found, [[0.1, 0.2], [0.2, 0.4], [0.4, 0.8]], atol=1e-3)


@pytest.mark.parametrize("side", [0.02, 0.3, 0.95])
def test_boxes_of_one_size_still_have_levels_of_growing_priors(side):
    found = prior_sizes(scenes(*[side] * 5), LEVELS)

    assert found[0][0] == pytest.approx(side, abs=1e-3)
    assert all(later[0] >= 1.2 * earlier[0] for earlier, later in pairwise(found))
    assert all(least <= most for least, most in found)
    assert MIN_RATIO > 1.2


def test_more_priors_overlap_with_boxes_of_such_sizes():
    rng = np.random.default_rng(0)
    middle, sides = rng.uniform(0.3, 0.7, (200, 2)), np.exp(rng.normal(np.log(0.33), 0.3, 200))
    boxes = np.concatenate([middle - sides[:, None] / 2, middle + sides[:, None] / 2], axis=1)

    matched = [
        (overlap(boxes.astype(np.float32), prior_boxes(320, PRIOR_STRIDES, shares)) >= 0.5).sum()
        for shares in (prior_sizes(scenes(*sides), LEVELS), PRIOR_SHARES)
    ]

    assert matched[0] > 2 * matched[1]


def test_training_and_the_model_have_the_sizes_of_the_data(dataset, store, tmp_path):
    both = config(families=("mobile_ssd", "lite_detector"), epochs=1)
    services = {"store": store, "run": QuietRun(), "resources": makers.resources(tmp_path)}
    problem = prepare(dataset, both, **services)
    chosen = hyperparameters(input=INPUT)
    fit = DetectorFit(problem, chosen)
    arrays = fit.arrays()
    answers = answers_by(fit, arrays, 0, 1)
    result = TrialResult({"ap50": 0.0, "loss": 1.0}, 1, False, [{"minutes": 0.1}], b"")
    trial = replace(Trial(0, chosen), reached=1, score=0.0, result=result)

    model = save_model(
        dataset, problem, both, Found([trial], trial, arrays, answers, ""), store=store
    )

    shares = prior_sizes(problem.scenes.training, LEVELS)
    assert shares != [list(share) for share in PRIOR_SHARES]
    assert model.after[0].args["shares"] == shares
    np.testing.assert_array_equal(fit.loss.priors, prior_boxes(96, PRIOR_STRIDES, shares))
    files = [store.get(digest) for digest in problem.scenes.validation_digests[:3]]
    with graph_of(model, store) as graph, predictor_of(model, graph) as predictor:
        for answer, wanted in zip(predictor.answers(files), answers, strict=False):
            np.testing.assert_allclose(answer[:3], wanted[:3], rtol=0.05, atol=0.3)


def test_an_epoch_of_a_cheaper_input_takes_more_steps(dataset, store, tmp_path):
    both = config(families=("mobile_ssd", "lite_detector"), epochs=2)
    services = {"store": store, "run": QuietRun(), "resources": makers.resources(tmp_path)}
    problem = prepare(dataset, both, **services)
    count = len(problem.scenes.training)
    cheap = DetectorFit(problem, hyperparameters(input=INPUT))
    passes = problem.inputs[INPUT].passes

    batches = []
    for done in range(cheap.steps):
        cheap.done = done
        batches += cheap._batch()

    assert 1 < passes < 2
    assert problem.steps("lite_detector@96", 8) == -(-count // 8)
    assert cheap.steps == pytest.approx(count * passes / 8, abs=1)
    assert {index for index, _ in batches} == set(range(count))
    assert len(set(batches)) == len(batches)  # no view twice
