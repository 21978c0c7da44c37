"""The training and validation data of detectors."""

import json

import numpy as np
import pytest

from stages.etl.manifest import samples_of, write_manifest
from stages.runtime.errors import DataError
from stages.train.detection.scenes import scenes_of
from tests import makers


def test_a_view_is_the_same_whenever_it_is_shown_and_views_differ(problem):
    scenes = problem.scenes

    first, again, other = (scenes.augmented(0, view, 96) for view in (1, 1, 2))

    np.testing.assert_array_equal(first.picture, again.picture)
    np.testing.assert_array_equal(first.boxes, again.boxes)
    views = [scenes.augmented(0, view, 96).picture.tobytes() for view in range(1, 9)]
    assert len(set(views)) > 1
    assert other.picture.shape == (96, 96, 3)


def test_large_pictures_are_kept_no_larger_than_they_are_shown(store):
    data = makers.boxes_dataset(store, count=10, side=200)

    scenes = scenes_of(data, store, largest=32, threads=1)

    assert max(max(scene.picture.shape) for scene in scenes.training) == 48
    whole = samples_of(data, store, "train")[0]
    edges = np.array([box[1:] for box in whole.boxes]) * 48 / 200
    np.testing.assert_allclose(scenes.training[0].boxes[:, :4], edges, rtol=1e-3)


def test_mosaics_take_their_other_scenes_from_the_train_split(problem, dataset):
    mosaics = dataset.model_copy(update={"augmentations": ({"mosaic": {"chance": 1.0}},)})
    from dataclasses import replace

    scenes = replace(problem.scenes, dataset=mosaics)

    counts = [len(scenes.augmented(place, 1, 96).boxes) for place in range(len(scenes.training))]

    assert max(counts) > max(len(scene.boxes) for scene in scenes.training)


@pytest.mark.parametrize("split", ["train", "validation"])
def test_a_split_that_is_needed_and_empty_is_named(store, dataset, split):
    with pytest.raises(DataError, match=split):
        scenes_of(_without(store, dataset, split), store, 96, 1)


def test_nothing_can_be_learnt_without_a_box(store, dataset):
    with pytest.raises(DataError, match="has a box"):
        scenes_of(_without_boxes(store, dataset), store, 96, 1)


def _without(store, dataset, split: str):
    samples = [sample for sample in samples_of(dataset, store) if sample.split != split]
    return _with(store, dataset, samples)


def _without_boxes(store, dataset):
    from dataclasses import replace

    return _with(
        store, dataset, [replace(sample, boxes=()) for sample in samples_of(dataset, store)]
    )


def _with(store, dataset, samples):
    files = {"manifest.csv": store.add(write_manifest(samples))}
    return dataset.model_copy(update={"files": files})


def test_the_validation_split_is_kept_as_files_with_true_boxes_in_pixels(problem, dataset, store):
    validation = samples_of(dataset, store, "validation")

    assert problem.scenes.validation_digests == tuple(sample.digest for sample in validation)
    assert problem.scenes.validation == tuple(store.get(sample.digest) for sample in validation)
    assert json.loads(json.dumps([sample.tolist() for sample in problem.scenes.truth]))
