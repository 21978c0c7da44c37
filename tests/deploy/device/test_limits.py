"""What a device's limits say of figures, and which stage hears of them."""

import pytest

from stages.config import PipelineConfig, TrainConfig
from stages.config.device import Device, DeviceCost
from stages.runtime.errors import ConfigError
from stages.train.search.search_space import inputs_of

LITE = ("efficientnet_lite0", "efficientnet_lite2")
TABLE = (
    DeviceCost(input="efficientnet_lite0@64", latency_ms_p95=4.4, size_mb=4.2, memory_mb=81),
    DeviceCost(input="efficientnet_lite2@64", latency_ms_p95=41.2, size_mb=5.8, why="too slow"),
)


def pipeline(device: Device) -> PipelineConfig:
    train = TrainConfig(families=LITE, input_sizes=(64,), trials=4, device=device)
    return PipelineConfig(name="a", task="image_classification", data="x", train=train)


def test_a_broken_limit_is_told_beside_what_is_allowed():
    device = Device(latency_ms_p95=20, size_mb=5, memory_mb=200)

    assert device.broken(TABLE[0]) == []
    assert device.broken(TABLE[1]) == ["p95 41.2 ms, 20 allowed", "5.8 MB, 5 allowed"]


def test_what_is_just_allowed_is_allowed():
    assert Device(size_mb=4.2).broken(TABLE[0]) == []
    assert Device(size_mb=4.1999).broken(TABLE[0])


def test_an_input_that_is_left_out_is_no_input():
    device = Device(size_mb=5, excluded=("efficientnet_lite2@64",))

    assert [model_input.name for model_input in inputs_of(pipeline(device).train)] == [
        "efficientnet_lite0@64"
    ]


def test_to_leave_out_everything_is_refused():
    device = Device(excluded=tuple(f"{name}@64" for name in LITE))

    with pytest.raises(ConfigError, match="names every input"):
        inputs_of(pipeline(device).train)


def test_what_was_measured_decides_no_model_but_who_takes_part_does():
    free = pipeline(Device()).slice("train")
    roomy = pipeline(Device(size_mb=99, profile="pi", measured=TABLE)).slice("train")
    tight = pipeline(Device(size_mb=5, measured=TABLE, excluded=("efficientnet_lite2@64",)))

    assert roomy == free
    assert tight.slice("train") != free
    assert "latency" not in str(tight.slice("train").train.device.measured)


def test_a_package_is_held_to_the_limits_whatever_was_measured_before():
    device = Device(size_mb=5, measured=TABLE, excluded=("efficientnet_lite2@64",))

    assert pipeline(device).slice("deploy", "device_sdk").device == Device(size_mb=5)


@pytest.mark.parametrize("limit", ["latency_ms_p95", "size_mb", "memory_mb"])
def test_a_limit_of_nothing_is_refused(limit: str):
    with pytest.raises(ValueError, match="greater than 0"):
        Device(**{limit: 0})
