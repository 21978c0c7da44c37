"""An emulated processor without VNNI computes what the simulation says, and exactly if told to."""

import subprocess
from pathlib import Path

import numpy as np
import pytest

from stages.deploy.saturation.layers import layers_of
from tests.deploy import int8_network
from tests.deploy.simulated import Saturating
from tests.emulation import cortex_a72, haswell, here

ROOT = Path(__file__).parents[2]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(haswell() is None, reason="no qemu-x86_64 here: apt install qemu-user"),
]


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    folder = tmp_path_factory.mktemp("small")
    return folder, int8_network.make(folder)


@pytest.fixture(scope="module")
def answers(small):
    """What the network and each of its layers answer, by (is it emulated, is it precise)."""
    folder, _ = small
    found = {}
    for emulated, processor in ((False, here()), (True, haswell())):
        for precise in (False, True):
            found[emulated, precise] = answered(processor, folder, precise)
    return found


def answered(processor, folder, precise):
    command = processor.command(ROOT, int8_network.__name__, [str(folder), str(precise)])
    subprocess.run(command, check=True, timeout=300)
    with np.load(folder / "outputs.npz") as outputs:
        return {name: outputs[name] for name in outputs}


def test_each_layer_without_vnni_is_what_the_simulation_says(small, answers):
    folder, inputs = small
    engine = Saturating(folder / "network.onnx")

    for layer in layers_of(folder / "network.onnx"):
        name = layer.output.removesuffix(".sum")
        (taker,) = engine.takers[layer.output]
        node = engine.makers[layer.output]
        values = engine._layer(node, layer, {layer.activations: inputs[name]})
        np.testing.assert_array_equal(values[taker.output[0]], answers[True, False][name], name)


def test_just_the_layers_that_saturate_differ_from_here(answers):
    exact, there = answers[False, True], answers[True, False]

    different = [name for name in exact if (exact[name] != there[name]).any()]

    assert sorted(different) == ["dilated", "grouped", "network", "odd", "stem"]


def test_the_whole_network_without_vnni_is_the_simulated_engine(small, answers):
    folder, inputs = small

    simulated = Saturating(folder / "network.onnx").run({"image": inputs["network"]})

    np.testing.assert_allclose(simulated["logits"], answers[True, False]["network"], rtol=1e-6)


def test_told_to_be_precise_it_answers_as_here(answers):
    for name, expected in answers[False, True].items():
        np.testing.assert_array_equal(answers[True, True][name], expected, name)


@pytest.mark.skipif(
    cortex_a72() is None,
    reason="no arm64 interpreter here: python -m tests.emulation FOLDER, AIWF_ARM64=FOLDER",
)
def test_arm64_without_the_dot_product_answers_as_here(small, answers):
    there = answered(cortex_a72(), small[0], False)

    for name, expected in answers[False, True].items():
        np.testing.assert_array_equal(there[name], expected, name)
