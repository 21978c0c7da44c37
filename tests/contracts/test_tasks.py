"""What every task promises: facts of a sample, a thumbnail, and the steps around the network."""

import io

import numpy as np
import pytest
from PIL import Image

from stages.config import EtlConfig
from stages.parts import FAMILIES, READERS, TASKS
from stages.runtime import steps as runtime
from stages.runtime.errors import BadSample
from tests import makers

NAMES = list(TASKS)
FAMILY = FAMILIES["efficientnet_lite0"]


@pytest.mark.parametrize("name", NAMES)
def test_its_readers_are_on_the_board(name: str):
    task = TASKS[name]()

    assert task.name == name
    assert all(reader in READERS for reader in task.readers)


@pytest.mark.parametrize("name", NAMES)
def test_tells_the_size_of_a_sample(name: str):
    facts = TASKS[name]().inspect(makers.picture(side=48), EtlConfig())

    assert (facts["width"], facts["height"]) == (48, 48)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("data", [b"", b"no picture", makers.picture()[:200]])
def test_a_sample_that_cannot_be_used_is_a_bad_sample(name: str, data: bytes):
    with pytest.raises(BadSample):
        TASKS[name]().inspect(data, EtlConfig())


@pytest.mark.parametrize("name", NAMES)
def test_thumbnails_are_small_jpegs(name: str):
    data = TASKS[name]().thumbnail(makers.picture(side=200), 64)

    image = Image.open(io.BytesIO(data))
    assert image.format == "JPEG"
    assert max(image.size) == 64


@pytest.mark.parametrize("name", NAMES)
def test_the_steps_before_make_what_the_network_takes(name: str):
    steps = [step.model_dump() for step in TASKS[name]().before(FAMILY, 96)]

    image = runtime.run(steps, makers.picture(side=50))

    assert image.shape == (3, 96, 96)
    assert image.dtype == np.float32
    assert -1.0 <= image.min() < image.max() <= 1.01


@pytest.mark.parametrize("name", NAMES)
def test_the_steps_after_make_scores_that_add_up_to_one(name: str):
    steps = [step.model_dump() for step in TASKS[name]().after(makers.LABELS)]

    scores = runtime.run(steps, np.array([[5.0, -3.0, 0.0], [0.0, 0.0, 0.0]], np.float32))

    np.testing.assert_allclose(scores.sum(axis=1), 1, rtol=1e-6)
    assert scores[0].argmax() == 0
