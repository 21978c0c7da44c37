"""Six kinds of demand have one recipe each, with what was measured here, or that nothing was."""

from pathlib import Path

import pytest

from stages.config import DeployConfig, TrainConfig
from stages.config.device_profiles import find_profile
from stages.deploy.bench.advice import DEMANDS, NOT_HERE, advice, demand_of
from stages.deploy.bench.costs import Costs
from stages.deploy.bench.measured import Bench, BenchRow
from stages.parts import ENGINES
from stages.runtime.errors import ConfigError


def row(engine, numeric, agreeing=8, load=100.0, memory=100.0, cpu=10.0, p95=20.0):
    costs = {1: Costs(load, p95 / 2, p95, cpu, 50.0, memory)}
    return BenchRow(engine, numeric, 3.5, costs, agreeing, 8)


BENCH = Bench(
    name="demo",
    numeric="int8",
    engine="onnxruntime",
    shape=(3, 224, 224),
    instruction_set="x86-64",
    cores=2,
    rows=(
        row("onnxruntime", "float32", load=300, memory=90, cpu=9, p95=18),
        row("onnxruntime", "int8", load=200, memory=110, cpu=5, p95=11),
        row("openvino", "float32", memory=80, cpu=7),
        row("openvino", "int8", agreeing=5, memory=70, cpu=1, p95=2),
        row("ncnn", "float32", p95=30),
        BenchRow("mnn", "", why="not installed here: MNN"),
    ),
)


@pytest.mark.parametrize("demand", DEMANDS, ids=lambda demand: demand.key)
def test_every_demand_has_one_recipe_that_a_pipeline_can_say(demand):
    found = advice(demand, BENCH)

    deploy = DeployConfig.model_validate(found.settings["deploy"])
    assert deploy.engine in demand.engines
    assert set(demand.engines) <= set(ENGINES)
    assert demand.question.endswith("?")
    assert demand_of(demand.key) is demand


@pytest.mark.parametrize(
    ("key", "engine", "numeric"),
    [
        ("demo", "onnxruntime", "int8"),  # the least time to load
        ("server", "openvino", "float32"),  # the least memory of those that keep every answer
        ("throughput", "onnxruntime", "int8"),  # the least processor time of those
        ("device", "onnxruntime", "int8"),
    ],
)
def test_the_figure_of_the_demand_decides_among_what_keeps_every_answer(key, engine, numeric):
    found = advice(demand_of(key), BENCH)

    assert (found.row.engine, found.row.numeric) == (engine, numeric)
    assert "8 of 8 golden samples" in found.figures


def test_hardware_that_is_not_here_is_told():
    for key, hardware in (("nvidia", "a Jetson"), ("device", "the board or phone")):
        found = advice(demand_of(key), BENCH)

        assert found.figures.startswith(f"On {hardware}: {NOT_HERE}. On this machine, ")


@pytest.mark.parametrize("bench", [None, Bench("n", "int8", "x", (1,), "x86-64", 2, ())])
def test_without_a_benchmark_nothing_is_claimed(bench):
    found = advice(demand_of("throughput"), bench)

    assert found.row is None
    assert found.figures.startswith(NOT_HERE)
    assert found.settings["deploy"]["engine"] == "onnxruntime"


def profile(name):
    return find_profile(name, Path("configs/devices"))


def test_a_device_that_is_named_decides_the_engines_and_stands_in_the_settings():
    found = advice(demand_of("device"), BENCH, profile("hi3559a"))

    assert found.row.engine == "ncnn"  # onnxruntime is faster, and does not run there
    assert found.figures.startswith("On HiSilicon Hi3559A, camera chip with four kinds of")
    assert NOT_HERE in found.figures
    assert TrainConfig.model_validate(found.settings["train"]).device.profile == "hi3559a"
    assert "mobilenet_v1 at 224, int8: 66.7 ms (ncnn" in found.published[1]


def test_a_device_that_no_engine_of_the_demand_runs_on_is_told_with_what_does():
    with pytest.raises(ConfigError, match="None of ncnn, mnn, onnxruntime runs on Micro") as caught:
        advice(demand_of("device"), None, profile("microcontroller"))

    assert "TensorFlow Lite for Microcontrollers" in caught.value.remedy
