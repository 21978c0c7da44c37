"""An emulated processor without VNNI computes what the simulation says, and exactly if told to."""

import shutil
import subprocess
import sys

import numpy as np
import pytest

from stages.deploy.saturation.layers import layers_of
from tests.deploy import int8_network
from tests.deploy.simulated import Saturating

EMULATOR = shutil.which("qemu-x86_64")
HASWELL = [EMULATOR, "-cpu", "Haswell"]  # AVX2, no VNNI

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(EMULATOR is None, reason="qemu-x86_64 is not here: apt install qemu-user"),
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
    for emulated in (False, True):
        for precise in (False, True):
            command = [*(HASWELL if emulated else []), sys.executable, "-m", int8_network.__name__]
            subprocess.run([*command, str(folder), str(precise)], check=True, timeout=300)
            with np.load(folder / "outputs.npz") as outputs:
                found[emulated, precise] = {name: outputs[name] for name in outputs}
    return found


def test_each_layer_without_vnni_is_what_the_simulation_says(small, answers):
    folder, inputs = small
    engine = Saturating(folder / "network.onnx")

    for one in layers_of(folder / "network.onnx"):
        name = one.output.removesuffix(".sum")
        (taker,) = engine.takers[one.output]
        node = engine.makers[one.output]
        values = engine._layer(node, one, {one.activations: inputs[name]})
        np.testing.assert_array_equal(values[taker.output[0]], answers[True, False][name], name)


def test_just_the_layers_that_saturate_differ_from_here(answers):
    here, there = answers[False, True], answers[True, False]

    different = [name for name in here if (here[name] != there[name]).any()]

    assert sorted(different) == ["dilated", "grouped", "network", "odd", "stem"]


def test_the_whole_network_without_vnni_is_the_simulated_engine(small, answers):
    folder, inputs = small

    given = Saturating(folder / "network.onnx").run({"image": inputs["network"]})

    np.testing.assert_allclose(given["logits"], answers[True, False]["network"], rtol=1e-6)


def test_told_to_be_precise_it_answers_as_here(answers):
    for name, here in answers[False, True].items():
        np.testing.assert_array_equal(answers[True, True][name], here, name)
