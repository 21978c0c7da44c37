"""Training from a person's weights, and from none, through both phases."""

from dataclasses import replace
from pathlib import Path

import pytest

from stages.config import TrainConfig, TrainSlice
from stages.config.search_space import FinetuneSearchSpace
from stages.config.train import Finetune
from stages.models.available_weights import sha256
from stages.models.family import SCRATCH
from stages.tracking import QuietRun
from stages.train import train
from stages.train.cost.selected_families import with_weights
from stages.train.heads.network import arrays_of
from stages.user_weights import WeightsFolder
from tests import makers
from tests.models import stand_ins

NAME = "pp_lcnet"
SPACE = FinetuneSearchSpace(freeze=("most",), batch_size=(16,))
CONFIG = TrainConfig(
    families=(NAME,),
    without_weights=SCRATCH,
    input_sizes=(32,),
    trials=1,
    epochs=2,
    folds=2,
    workers=1,
    growth=False,
    metric="log_loss",
    finetune=Finetune(trials=1, epochs=2, views=0, search_space=SPACE),
)


@pytest.mark.slow
@pytest.mark.parametrize("own_weights", [True, False])
def test_a_model_names_its_initial_weights(own_weights: bool, tmp_path: Path, ray_running):
    resources = replace(ray_running, scratch=tmp_path / "scratch")
    own = stand_ins.own(tmp_path / "given", NAME) / f"{NAME}.npz"
    if own_weights:
        resources = replace(resources, weights=WeightsFolder(own.parent))
    store = makers.store(tmp_path)
    dataset = makers.dataset(store, each=10, views=0)
    config = with_weights(dataset.task, CONFIG, resources)

    model = train(
        dataset, TrainSlice(train=config), store=store, run=QuietRun(), resources=resources
    )

    assert model.family == NAME
    assert model.weights == ({NAME: sha256(own)} if own_weights else {})
    assert model.selection["trials"] == 2
    assert any(name.startswith("backbone.blocks6") for name in arrays_of(model, store))
