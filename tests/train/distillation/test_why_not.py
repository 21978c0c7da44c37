"""Which students there are, and why one cannot learn from the chosen network."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from stages.config import TrainConfig
from stages.parts import FAMILIES
from stages.train.distillation.distillation import (
    INNER_FEATURES,
    SAME,
    SCRATCH,
    _costs,
    _key,
    _why_not,
)
from stages.train.distillation.student_training import DISTILLED, PRUNED
from stages.train.search.search_space import Input

LITE = Input("efficientnet_lite0", 224)


def context(model_input: Input = LITE, head: dict[str, Any] | None = None, **train: Any) -> Any:
    """What all students share, with a teacher on `model_input` whose head has these arrays."""
    chosen = SimpleNamespace(hyperparameters={"input": model_input.name, "head": "linear"})
    teacher = SimpleNamespace(
        chosen=chosen, model_input=model_input, arrays=lambda fold: head if fold is None else {}
    )
    config = TrainConfig(families=(model_input.family,), larger=False, **train)
    return SimpleNamespace(config=config, teacher=teacher)


def why(role: str, found: Any) -> str:
    return _why_not(found, _costs(found)[role])


def test_the_roles_are_those_of_the_config_and_their_records_have_the_names_of_its_sections():
    both = {"distil": "small_image", "prune": 0.4}

    assert _costs(context()) == {}
    assert list(_costs(context(distil="small_image"))) == [DISTILLED]
    costs = _costs(context(**both))
    assert {_key(role): cost.model_input.family for role, cost in costs.items()} == {
        "distillation": "small_image",
        "pruning": "efficientnet_lite0",
    }


def test_another_family_learns_and_the_same_has_nothing_to_learn():
    assert why(DISTILLED, context(distil="small_image")) == ""
    assert why(DISTILLED, context(distil="efficientnet_lite0")) == SAME


def test_a_network_from_scratch_teaches_nobody():
    assert why(PRUNED, context(Input("small_image", 64), prune=0.4)) == SCRATCH


@pytest.mark.parametrize("layer", ["out", "hidden"])
def test_channels_are_removed_if_the_head_takes_the_last_map_alone(layer: str):
    features = FAMILIES["efficientnet_lite0"].features
    heads = [{f"head.{layer}.weight": np.zeros((rows, 4))} for rows in (features, features + 336)]
    if layer == "hidden":  # whose second matrix has any rows
        heads = [{**head, "head.out.weight": np.zeros((4, 3))} for head in heads]

    found = [why(PRUNED, context(head=head, prune=0.4)) for head in heads]

    assert found == ["", INNER_FEATURES]
