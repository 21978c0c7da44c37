"""A model that answers each picture together with its mirror image, by the mean of both."""

import numpy as np
import pytest

from stages.config import (
    DeployConfig,
    DeploySlice,
    EvaluateConfig,
    EvaluateSlice,
    TrainConfig,
    TrainSlice,
)
from stages.deploy import deploy
from stages.deploy.pack import unpack
from stages.etl.manifest import samples_of
from stages.evaluate import evaluate
from stages.runtime.predictor import Predictor
from stages.runtime.selftest import selftest
from stages.tracking import QuietRun
from stages.train import train
from tests import makers

pytestmark = pytest.mark.slow  # it trains, deploys and answers

CONFIG = TrainConfig(
    families=("efficientnet_lite0",),
    input_sizes=(64,),
    trials=3,
    epochs=6,
    folds=2,
    growth=False,
    mirrored=True,
)


@pytest.fixture(scope="module")
def dataset(store):
    return makers.dataset(store, each=16, views=1)


@pytest.fixture(scope="module")
def model(dataset, store, ray_running):
    return train(
        dataset, TrainSlice(train=CONFIG), store=store, run=QuietRun(), resources=ray_running
    )


def test_its_steps_make_both_windows_and_take_their_mean(model):
    assert [step.step for step in model.before][-2:] == ["to_channels_first", "mirrored"]
    assert [step.step for step in model.after] == ["mean_of_windows", "softmax"]


def test_it_answers_a_picture_as_its_mirror_image(model, dataset, store, tmp_path):
    report = evaluate(
        model,
        dataset,
        EvaluateSlice(evaluate=EvaluateConfig()),
        store=store,
        run=QuietRun(),
        resources=makers.resources(store.cache),
    )
    config = DeploySlice(
        name="mirrored", target="device_sdk", deploy=DeployConfig(ladder=("float32",))
    )
    package = deploy(
        model,
        report,
        dataset,
        config,
        store=store,
        run=QuietRun(),
        resources=makers.resources(store.cache),
    )
    folder = unpack(package, store, tmp_path / "package")
    sample = samples_of(dataset, store, "test")[0]

    with Predictor.open(folder) as predictor:
        prepared = predictor.prepare(store.get(sample.digest))
        outputs = predictor.forward(prepared.windows)
        answered = predictor.answer(outputs, dict(prepared.facts))
        swapped = predictor.answer([output[::-1] for output in outputs], dict(prepared.facts))
        named = predictor.predict(store.get(sample.digest))

    assert len(prepared.windows) == 2
    assert not np.array_equal(*outputs[0])
    np.testing.assert_allclose(answered, swapped, atol=1e-6)
    assert "windows" not in named  # they have no times
    assert selftest(folder).passed
