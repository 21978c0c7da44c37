"""Profiles of devices: all that ship can be read, and one that contradicts itself is refused."""

import os
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from stages.cli.app import app
from stages.config import PipelineConfig
from stages.config.device import Device, DeviceCost
from stages.config.device_profiles import (
    find_profile,
    profile_names,
    read_profile,
    unknown_profile,
    with_profile,
)
from stages.deploy.device.profile_engines import check_profile_engines, unused_processors
from stages.runtime.errors import ConfigError

FOLDER = Path("configs/devices")
EXPECTED = {
    *("linux_x86_64_new", "linux_x86_64_old", "raspberry_pi_4", "raspberry_pi_5", "iphone"),
    *("android_phone", "jetson_orin_nano", "hi3559a", "intel_npu", "microcontroller"),
}


def changed(folder: Path, change) -> Path:
    """The Raspberry Pi's profile after `change` to its table, as a file in `folder`."""
    table = yaml.safe_load((FOLDER / "raspberry_pi_4.yaml").read_text())
    change(table)
    path = folder / "raspberry_pi_4.yaml"
    path.write_text(yaml.safe_dump(table, sort_keys=False))
    return path


def pipeline(**sections) -> PipelineConfig:
    return PipelineConfig(name="a", task="image_classification", data="x", **sections)


def on(profile: str, **limits) -> dict:
    return {"device": {"profile": profile, **limits}}


@pytest.mark.parametrize("name", profile_names(FOLDER))
def test_a_profile_that_ships_contradicts_nothing_and_has_a_source_for_each_figure(name):
    profile = read_profile(FOLDER / f"{name}.yaml")

    assert profile.name in EXPECTED
    assert profile.limits
    assert all(processor.source for processor in profile.processors)


def test_the_devices_of_the_list_are_there():
    assert set(profile_names(FOLDER)) >= EXPECTED


@pytest.mark.parametrize("name", profile_names(FOLDER))
def test_the_engines_of_a_profile_that_ships_run_its_number_formats(name):
    check_profile_engines(read_profile(FOLDER / f"{name}.yaml"))


def no_shared_format(table):
    table["processors"][0].update(numerics=["bfloat16"], rates=[])
    table["latencies"] = []


def timed_in_a_format_that_it_lacks(table):
    table["latencies"][0].update(engine="opencv", numeric="int8")


def on_a_gpu(table):
    table["processors"][1]["engines"] = ["ncnn"]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (no_shared_format, "onnxruntime has none of the number formats of Broadcom"),
        (timed_in_a_format_that_it_lacks, "opencv has no int8, in which mobilenet_v2"),
        (on_a_gpu, "ncnn does not use a gpu, as VideoCore VI is one"),
    ],
)
def test_a_profile_that_contradicts_what_an_engine_runs_is_refused(tmp_path, change, why):
    with pytest.raises(ConfigError, match=why):
        check_profile_engines(read_profile(changed(tmp_path, change)))


def test_a_profile_says_which_operators_fall_back_to_the_cpu():
    sentences = unused_processors(find_profile("intel_npu", FOLDER))

    assert any("(npu)" in text and "falls back to the cpu" in text for text in sentences)
    assert unused_processors(find_profile("microcontroller", FOLDER)) == []


def test_mace_is_documented_as_legacy_and_the_camera_chip_has_four_kinds_of_processor():
    phone, camera = (find_profile(name, FOLDER) for name in ("android_phone", "hi3559a"))

    assert {other.name: other.status for other in phone.other_engines}["MACE"] == "legacy"
    assert [processor.kind for processor in camera.processors] == ["cpu", "gpu", "dsp", "npu"]


CONTRADICTIONS = {
    "budgets.memory_mb": (
        lambda table: table["budgets"]["memory_mb"].update(value=4000),
        "4000 MB are allowed, and the device has 2000",
    ),
    "engine": (lambda table: table.update(engine="openvino"), "openvino runs on none"),
    "processors.1.instruction_set": (
        lambda table: table["processors"][1].update(instruction_set="arm64"),
        "arm64 is of a cpu, and VideoCore VI is a gpu",
    ),
    "processors.0.rates.0.numeric": (
        lambda table: table["processors"][0].update(numerics=["int8"]),
        "a rate in float32, which it does not compute",
    ),
    "processors": (
        lambda table: table["processors"].append(
            {**table["processors"][0], "instruction_set": "x86-64"}
        ),
        "of arm64, x86 at once",
    ),
    "latencies.4.milliseconds": (
        lambda table: table["latencies"].append({**table["latencies"][0], "milliseconds": 5}),
        "takes 93.5 ms, too",
    ),
    "latencies.2.numeric": (
        lambda table: table["latencies"][2].update(numeric="bfloat16"),
        "none of its processors computes bfloat16",
    ),
    "name": (lambda table: table.update(name="another"), "it is called another"),
}


@pytest.mark.parametrize("key", list(CONTRADICTIONS))
def test_a_profile_that_contradicts_itself_is_refused_with_file_key_and_remedy(key, tmp_path):
    change, problem = CONTRADICTIONS[key]
    path = changed(tmp_path, change)

    with pytest.raises(ConfigError, match=problem) as caught:
        read_profile(path)

    assert f"{path}, line " in caught.value.problem
    assert f": {key}: " in caught.value.problem
    assert caught.value.remedy


def test_a_key_or_engine_that_is_misspelt_is_told_with_its_line(tmp_path):
    path = changed(tmp_path, lambda table: table.update(engine="onxruntime", colour="red"))

    with pytest.raises(ConfigError, match="Did you mean 'onnxruntime'") as caught:
        read_profile(path)

    assert ": colour: " in caught.value.problem


def test_a_profile_sets_the_limits_and_the_engine_that_the_pipeline_leaves_open():
    found = with_profile(pipeline(train=on("android_phone", size_mb=5)), FOLDER)

    assert found.train.device.limits == {"latency_ms_p95": 33, "size_mb": 5, "memory_mb": 300}
    assert found.deploy.engine == "ncnn"
    assert with_profile(found, FOLDER) == found


def test_without_a_profile_nothing_changes():
    plain = pipeline(train={"device": {"size_mb": 5}})

    assert with_profile(plain, FOLDER) is plain


def test_an_unknown_device_is_told_with_the_nearest_and_all_that_are_known():
    with pytest.raises(ConfigError, match="no device is called 'rasberry_pi_4'") as caught:
        with_profile(pipeline(train=on("rasberry_pi_4")), FOLDER)

    assert "Did you mean 'raspberry_pi_4'?" in caught.value.remedy
    assert all(name in caught.value.remedy for name in EXPECTED)


def test_a_device_that_measured_itself_needs_no_profile():
    found = pipeline(train=on("bench_in_the_lab", size_mb=5))

    assert with_profile(found, FOLDER) is found


def test_an_engine_that_does_not_run_there_is_refused_with_those_that_do():
    with pytest.raises(ConfigError, match="openvino does not run on raspberry_pi_4") as caught:
        with_profile(pipeline(train=on("raspberry_pi_4"), deploy={"engine": "openvino"}), FOLDER)

    assert "ncnn" in caught.value.remedy


def test_a_target_whose_engine_does_not_run_there_is_refused_too():
    deploy = {"targets": ["device_sdk", "openvino"]}

    with pytest.raises(ConfigError, match=r"deploy\.targets: openvino does not run on rasp"):
        with_profile(pipeline(train=on("raspberry_pi_4"), deploy=deploy), FOLDER)


def test_on_a_microcontroller_no_engine_runs_and_its_own_target_needs_none():
    with pytest.raises(ConfigError, match="no engine of this product runs") as caught:
        with_profile(pipeline(train=on("microcontroller")), FOLDER)
    fitting = pipeline(train=on("microcontroller"), deploy={"targets": ["microcontroller"]})

    assert "deploy.targets: [microcontroller]" in caught.value.remedy
    assert with_profile(fitting, FOLDER).deploy == fitting.deploy


def test_a_search_of_architectures_takes_the_size_over_as_parameters():
    def parameters(**limits) -> int | None:
        train = {"architecture": "search", **on("microcontroller", **limits)}
        searched = pipeline(train=train, deploy={"targets": ["microcontroller"]})
        device = with_profile(searched, FOLDER).train.device
        assert not device.limits
        return device.parameters

    assert parameters() == 250_000  # of float32 in 1 MB
    assert parameters(parameters=30_000) == 30_000


def test_a_latency_is_estimated_at_the_slowest_published_rate():
    profile = find_profile("raspberry_pi_4", FOLDER)

    assert profile.milliseconds(0.30, "float32") == pytest.approx(93.5)
    assert profile.milliseconds(0.57, "int8") == pytest.approx(84.8)
    assert profile.milliseconds(0.57, "float16") is None


def test_what_is_estimated_says_so():
    device = Device(profile="raspberry_pi_4", latency_ms_p95=50)
    slow = DeviceCost(input="a@224", latency_ms_p95=93.5, estimated="published figures of ncnn")
    unknown = DeviceCost(input="b@224")

    notices = device.model_copy(update={"measured": (slow, unknown)}).notices()

    assert device.broken(slow) == ["p95 93.5 ms (estimated), 50 allowed"]
    assert notices[0] == (
        "latency on raspberry_pi_4, estimated from published figures of ncnn: a@224: 93.5 ms"
    )
    assert notices[1].startswith("b@224: its latency on raspberry_pi_4 is not known")


@pytest.mark.parametrize("name", ["../outside", "../../outside", "*", "", "a\nb", "x" * 5000])
def test_a_name_finds_no_file_outside_of_the_folder(name, tmp_path):
    folder = tmp_path / "profiles"
    folder.mkdir()
    (tmp_path / "outside.yaml").write_text((FOLDER / "raspberry_pi_4.yaml").read_text())

    assert find_profile(name, folder) is None
    assert len(unknown_profile(name, folder).problem) < 120


def test_what_is_no_file_is_no_profile(tmp_path):
    os.mkfifo(tmp_path / "a_pipe.yaml")  # whose reader waits for a writer
    (tmp_path / "a_folder.yaml").mkdir()
    (tmp_path / "a_link.yaml").symlink_to(tmp_path / "nothing")

    assert profile_names(tmp_path) == []


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -5, 0, 1e300])
@pytest.mark.parametrize("key", ["gmacs", "milliseconds"])
def test_a_published_time_that_cannot_be_is_refused(key, value, tmp_path):
    path = changed(tmp_path, lambda table: table["latencies"][0].update({key: value}))

    with pytest.raises(ConfigError, match=rf"line \d+: latencies\.0\.{key}: "):
        read_profile(path)


UNREADABLE = {
    "": "holds no keys",
    "[a, b]": "holds no keys",
    "a: &a [*a]": "an alias holds itself",
    "# " + "x" * 60_000: r"yaml: this is not YAML that can be read: it has more than",
}


@pytest.mark.parametrize("text", list(UNREADABLE), ids=["empty", "list", "alias", "long"])
def test_what_is_no_profile_is_refused(text, tmp_path):
    (tmp_path / "a.yaml").write_text(text)

    with pytest.raises(ConfigError, match=UNREADABLE[text]):
        read_profile(tmp_path / "a.yaml")


def test_the_command_names_no_key_of_a_pipeline():
    done = CliRunner().invoke(app, ["devices", "rasberry_pi_4"])

    assert isinstance(done.exception, ConfigError)
    assert done.exception.problem == "No device is called 'rasberry_pi_4'."
