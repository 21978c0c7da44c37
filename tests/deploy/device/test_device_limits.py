"""Which inputs take part, with a small family really exported, quantised and measured."""

from dataclasses import replace
from pathlib import Path

import pytest

from stages.config import PipelineConfig
from stages.config.device import Device
from stages.config.device_profiles import find_profile
from stages.deploy.device.device_limits import fitted
from stages.deploy.remote.connection import DeviceLost, RemoteDevice
from stages.deploy.remote.devices import add_device
from stages.etl import source
from stages.opening import resources_of
from stages.runtime.backends import BACKENDS
from stages.runtime.backends.numpy_engine import NumpyEngine
from stages.runtime.backends.numpy_layers import LAYERS
from stages.runtime.errors import ConfigError, InfrastructureError
from tests import makers
from tests.sounds import saved, tone

FAMILY = "small_audio@64"


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Resources, the revision of the data 'beeps', and a store that remembers what was measured."""
    folder = tmp_path_factory.mktemp("fitting")
    settings = makers.settings(folder)
    for label, hertz in {"low": 200, "high": 900}.items():
        (folder / "beeps" / label).mkdir(parents=True)
        for index in range(4):
            sound = saved(tone(hertz + index, seconds=0.5))
            (folder / "beeps" / label / f"{index}.wav").write_bytes(sound)
    revision = source.add("beeps", folder / "beeps", settings).revision
    return resources_of(settings), revision, makers.store(folder)


def two() -> int:
    """How many labels the data has."""
    return 2


def pipeline_with(place, device: Device) -> PipelineConfig:
    _, revision, _ = place
    train = {"families": ["small_audio"], "trials": 2, "device": device.model_dump()}
    config = {"name": "b", "task": "sound_classification", "train": train, "data": "beeps"}
    pipeline = PipelineConfig.model_validate(config)
    data = pipeline.data.model_copy(update={"revision": revision})
    return pipeline.model_copy(update={"data": data})


def test_what_fits_takes_part_with_its_figures(place):
    resources, _, store = place
    generous = Device(size_mb=10, latency_ms_p95=1000, memory_mb=2000)

    device = fitted(pipeline_with(place, generous), two, store, resources).device

    [found] = device.measured
    assert (found.input, found.numeric, found.why) == (FAMILY, "int8", "")
    assert 0.1 < found.size_mb < 2  # 84,000 weights for each of five folds, in 8 bits
    assert found.latency_ms_p95 > 0
    assert device.excluded == ()


def test_nothing_that_fits_is_told_with_the_nearest_and_what_would_do(place):
    resources, _, store = place

    with pytest.raises(ConfigError, match=rf"{FAMILY}: 0\.\d+ MB, 0\.1 allowed") as caught:
        fitted(pipeline_with(place, Device(size_mb=0.1)), two, store, resources)

    wanted = float(caught.value.remedy.partition("train.device.size_mb to ")[2].split(",")[0])
    enough = pipeline_with(place, Device(size_mb=wanted))
    assert fitted(enough, two, store, resources).device.excluded == ()


def test_without_a_limit_nothing_is_measured(place):
    resources, _, store = place
    before = pipeline_with(place, Device())

    assert fitted(before, two, store, resources) is before.train


def test_a_lock_is_not_measured_again(place):
    resources, _, store = place
    resolved = fitted(pipeline_with(place, Device(size_mb=10)), two, store, resources).device

    again = fitted(
        pipeline_with(place, resolved), two, makers.store(resources.scratch / "empty"), resources
    )

    assert again.device == resolved


def test_figures_of_another_device_are_its_own(place):
    resources, _, store = place
    elsewhere = pipeline_with(place, Device(size_mb=10, profile="pi"))

    with pytest.raises(ConfigError, match="no measurements of 'pi'") as caught:
        fitted(elsewhere, two, store, resources)
    assert "AIWF_DEVICE" in caught.value.remedy

    there = fitted(elsewhere, two, store, replace(resources, device="pi"))
    assert fitted(elsewhere, two, store, resources) == there


def of_engine(place, name: str) -> PipelineConfig:
    pipeline = pipeline_with(place, Device())
    return pipeline.model_copy(
        update={"deploy": pipeline.deploy.model_copy(update={"engine": name})}
    )


def test_an_operator_that_the_engine_lacks_is_told_before_training_by_name(place, monkeypatch):
    resources, _, store = place
    monkeypatch.delitem(LAYERS, "ReduceMax")

    with pytest.raises(ConfigError, match=f"{FAMILY}: The numpy engine lacks .*: ReduceMax"):
        fitted(of_engine(place, "numpy"), two, store, resources)


class WrongInConvolutions(NumpyEngine):
    """Answers networks with a convolution a hundredth beside the others."""

    def run(self, inputs):
        convolves = any(node.operator == "Conv" for node in self._nodes)
        return {name: (1.01 if convolves else 1) * row for name, row in super().run(inputs).items()}


def test_a_family_that_the_engine_answers_wrongly_is_left_out_with_the_difference(
    place, tmp_path, monkeypatch
):
    resources, _, _ = place
    monkeypatch.setitem(BACKENDS.places, "numpy", f"{__name__}:WrongInConvolutions")
    pipeline = of_engine(place, "numpy")
    both = pipeline.train.model_copy(update={"families": ("small_audio", "logmel_segments")})
    pipeline = pipeline.model_copy(update={"train": both})

    device = fitted(pipeline, two, makers.store(tmp_path), resources).device

    assert device.excluded == (FAMILY,)
    [notice] = device.notices()
    assert notice.startswith(f"{FAMILY} left out: numpy answers 8 samples differently than Paddle")
    assert "by 0.01 of the largest output, at most 0.001 is allowed" in notice


class FailsInConvolutions(NumpyEngine):
    """Loads every network, and cannot run those with a convolution."""

    def run(self, inputs):
        if any(node.operator == "Conv" for node in self._nodes):
            raise InfrastructureError("numpy gives no output (code -100)")
        return super().run(inputs)


def test_a_family_that_the_engine_loads_and_cannot_run_is_left_out(place, tmp_path, monkeypatch):
    resources, _, _ = place
    monkeypatch.setitem(BACKENDS.places, "numpy", f"{__name__}:FailsInConvolutions")

    with pytest.raises(ConfigError, match=f"{FAMILY}: numpy does not run this network: .*code -10"):
        fitted(of_engine(place, "numpy"), two, makers.store(tmp_path), resources)


def test_where_every_family_is_answered_wrongly_the_run_is_refused(place, tmp_path, monkeypatch):
    resources, _, _ = place
    monkeypatch.setitem(BACKENDS.places, "numpy", f"{__name__}:WrongInConvolutions")

    with pytest.raises(
        ConfigError, match=f"{FAMILY}: numpy answers 8 samples differently"
    ) as caught:
        fitted(of_engine(place, "numpy"), two, makers.store(tmp_path), resources)
    assert "Name other families" in caught.value.remedy


def test_a_network_that_the_engine_can_express_takes_part(place, tmp_path):
    resources, _, _ = place

    device = fitted(of_engine(place, "numpy"), two, makers.store(tmp_path), resources).device

    [found] = device.measured
    assert (found.input, found.numeric, found.latency_ms_p95) == (FAMILY, "float16", None)
    assert device.excluded == ()


def test_of_a_device_that_is_not_here_the_profiles_figures_estimate_and_say_so(place):
    resources, _, store = place
    profile = find_profile("raspberry_pi_4", Path("configs/devices"))
    elsewhere = pipeline_with(place, Device(latency_ms_p95=500, profile="raspberry_pi_4"))

    device = fitted(elsewhere, two, store, resources, profile).device

    [found] = device.measured
    assert (found.input, found.numeric, found.why) == (FAMILY, "int8", "")
    assert found.estimated == "published int8 figures of ncnn"
    assert 0.1 < found.latency_ms_p95 < 50
    assert "latency on raspberry_pi_4, estimated from published int8" in device.notices()[0]


def test_of_a_device_that_was_added_and_is_gone_the_latency_is_estimated(place, tmp_path):
    resources, _, store = place
    add_device(RemoteDevice("board", "nobody@127.0.0.1", 1), tmp_path / "devices.json")
    resources = replace(resources, devices=tmp_path / "devices.json")
    profile = find_profile("raspberry_pi_4", Path("configs/devices"))
    elsewhere = pipeline_with(place, Device(latency_ms_p95=500, profile="board"))

    device = fitted(elsewhere, two, store, resources, profile).device

    assert device.measured[0].estimated == "published int8 figures of ncnn"
    assert "latency on board, estimated" in device.notices()[0]
    with pytest.raises(DeviceLost, match="connection is lost"):
        fitted(elsewhere, two, store, resources)


def test_an_estimate_above_the_limit_leaves_an_input_out_and_says_so(place):
    resources, _, store = place
    profile = find_profile("raspberry_pi_4", Path("configs/devices"))
    tight = Device(latency_ms_p95=0.01, profile="raspberry_pi_4")

    with pytest.raises(ConfigError, match=r"ms \(estimated\), 0\.01 allowed"):
        fitted(pipeline_with(place, tight), two, store, resources, profile)


def test_an_operator_that_the_engine_of_a_target_lacks_is_told_before_training(place, monkeypatch):
    resources, _, store = place
    pipeline = pipeline_with(place, Device())
    deploy = pipeline.deploy.model_copy(update={"targets": ("device_sdk", "mnn")})
    monkeypatch.setattr(
        "stages.deploy.exporters.to_mnn.PROGRAM",
        "print('These Op Not Support: ReduceMax'); raise SystemExit(1)",
    )

    with pytest.raises(ConfigError, match=f"{FAMILY}: target mnn: MNN lacks .*: ReduceMax"):
        fitted(pipeline.model_copy(update={"deploy": deploy}), two, store, resources)


def test_the_student_is_measured_beside_its_teachers_and_has_to_fit(place):
    resources, _, store = place
    pipeline = pipeline_with(place, Device(size_mb=10))
    changes = {"families": ["logmel_segments"], "distil": {"family": "small_audio"}}
    train = pipeline.train.model_validate({**pipeline.train.model_dump(), **changes})

    device = fitted(pipeline.model_copy(update={"train": train}), two, store, resources).device

    assert [figures.input for figures in device.measured][1:] == [FAMILY]
    tight = train.model_copy(update={"device": Device(size_mb=device.measured[1].size_mb / 2)})
    with pytest.raises(ConfigError, match=r"(student small_audio@64 breaks|Nothing fits)"):
        fitted(pipeline.model_copy(update={"train": tight}), two, store, resources)
