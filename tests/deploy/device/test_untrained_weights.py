"""Weights of untrained networks: whatever the family, they fit its network."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from stages.deploy.device.untrained_weights import NetworkSpec, arrays_of, built
from stages.models.genotype import EVERY_OPERATION
from stages.parts import FAMILIES
from stages.resources import Resources
from stages.train.search.search_space import Input

RESOURCES = Resources(cores=1, scratch=Path("/nowhere"))  # these weights are installed


def spec(hidden: int) -> NetworkSpec:
    deploy = {"ladder": ("int8",), "engine": "onnxruntime"}
    return NetworkSpec("image_classification", labels=7, hidden=hidden, folds=3, **deploy)


@pytest.mark.parametrize("hidden", [0, 64])
@pytest.mark.parametrize(
    "family", ["small_audio", "searched_image", "mobile_ssd", "mobilenet_v3_small"]
)
def test_they_fit_the_network_of_their_family(family: str, hidden: int):
    from stages.models.network import assemble

    model_input = Input(family, FAMILIES[family].size, "scratch" if FAMILIES[family].layers else "")
    arrays = built(model_input, spec(hidden))

    network = assemble(family, arrays)  # raises if one is missing, left over or of another shape

    assert network.state_dict().keys() == arrays.keys()


def test_a_head_is_as_large_as_the_search_may_choose_it():
    model_input = Input("efficientnet_lite0", 64)

    linear, deep = (arrays_of(model_input, spec(hidden), RESOURCES) for hidden in (0, 64))

    assert linear["head.out.weight"].shape == (1280, 7)
    assert deep["head.hidden.weight"].shape == (1280, 3 * 64)
    assert deep["head.out.weight"].shape == (3 * 64, 7)


def test_a_kernel_is_as_large_as_the_search_may_choose_it():
    arrays = built(Input("small_audio", 64), replace(spec(0), kernel=7))

    assert arrays["backbone.units.0.convolution.weight"].shape[2:] == (7, 7)


def test_a_network_is_as_wide_as_the_search_may_choose_it():
    plain, wide = (
        built(Input("small_image", 64), replace(spec(64), width=width)) for width in (1.0, 2.0)
    )

    name = "backbone.units.4.convolution.weight"
    assert wide[name].shape[0] == 2 * plain[name].shape[0]


def test_a_picked_network_has_its_own_architecture():
    genotype = EVERY_OPERATION.replace("widths 12", "widths 20")
    arrays = built(Input("searched_image", 64), replace(spec(0), genotype=genotype))

    assert bytes(arrays["backbone.genotype"].astype(np.uint8)).decode() == genotype


def test_those_of_another_process_are_these():
    model_input = Input("small_audio", 64)

    there, here = arrays_of(model_input, spec(64), RESOURCES), built(model_input, spec(64))

    assert there.keys() == here.keys()
    assert all(np.array_equal(there[name], here[name]) for name in here)
