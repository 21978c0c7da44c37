"""What an untrained network costs is measured on the device that a pipeline names."""

import json
import subprocess
import sys
from dataclasses import replace

import pytest

from stages.config.device_profiles import with_profile
from stages.deploy.device.measuring import CannotRun, Unmeasured, measured
from stages.deploy.remote.connection import DeviceLost, RemoteDevice
from stages.deploy.remote.devices import add_device, find_device, read_devices, remove_device
from stages.parts import ENGINES
from stages.runtime.errors import ConfigError
from tests import makers
from tests.config.test_device_profiles import FOLDER, on, pipeline
from tests.deploy.device.test_measuring import SHAPE, network


@pytest.fixture
def store(tmp_path):
    return makers.store(tmp_path)


@pytest.fixture
def resources(device, tmp_path):
    add_device(device, tmp_path / "devices.json")
    return replace(makers.resources(tmp_path), devices=tmp_path / "devices.json")


def cost_on(name, model, store, resources):
    engine, files = ENGINES["onnxruntime"], {"model.onnx": model}
    services = {"store": store, "resources": resources}
    return measured("a@32", files, "float32", SHAPE, name, engine, **services)


def test_a_network_is_measured_there_and_found_again_without_the_device(store, resources, server):
    first = cost_on("board", network(3), store, resources)

    server.hosts_file.write_text("")

    assert cost_on("board", network(3), store, resources) == first
    assert first.latency_ms_p95 > 0
    assert 20 < first.memory_mb < 500
    assert first.estimated == ""


def test_a_device_that_is_gone_gives_no_figures(store, resources, server):
    server.hosts_file.write_text("")

    with pytest.raises(DeviceLost):
        cost_on("board", network(4), store, resources)
    with pytest.raises(Unmeasured) as caught:
        cost_on("other", network(4), store, resources)
    assert "aiwf device add other" in caught.value.remedy


def test_an_operator_that_the_engine_there_lacks_is_named(store, resources):
    with pytest.raises(CannotRun, match=r"On board: .*Frobnicate"):
        cost_on("board", network(3, "Frobnicate"), store, resources)


def test_a_device_without_the_engine_is_no_fault_of_the_network(store, resources, tmp_path, device):
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "bare"], check=True)
    add_device(replace(device, python=f"{tmp_path}/bare/bin/python"), resources.devices)

    with pytest.raises(ConfigError, match="numpy"):
        cost_on("board", network(5), store, resources)


def test_devices_are_read_as_they_were_added(tmp_path):
    path = tmp_path / "devices.json"
    board = RemoteDevice("board", "pi@board", 2222, "~/venv/bin/python", "raspberry_pi_4")

    add_device(RemoteDevice("other", "other"), path)
    add_device(board, path)

    assert read_devices(path)["board"] == board
    remove_device("other", path)
    with pytest.raises(ConfigError, match="No device is called 'boart'") as caught:
        find_device("boart", path)
    assert "board" in caught.value.remedy


@pytest.mark.parametrize(
    "content",
    [
        "{}",
        "[",
        '[{"name": "a"}]',
        '[{"name": "a", "address": "-oProxyCommand=x"}]',
        '[{"name": "a", "address": "b", "key": "secret"}]',
    ],
)
def test_a_file_of_devices_that_cannot_be_used_is_refused(content, tmp_path):
    (tmp_path / "devices.json").write_text(content)

    with pytest.raises(ConfigError, match=r"devices\.json|no address"):
        read_devices(tmp_path / "devices.json")


def test_a_device_takes_over_the_limits_of_its_profile():
    with_device = pipeline(train=on("board"))

    found = with_profile(with_device, FOLDER, added={"board": "raspberry_pi_4"})

    assert found.train.device.profile == "board"
    assert found.train.device.latency_ms_p95 == 200
    without = with_profile(with_device, FOLDER, added={"board": ""})
    assert without.train.device.limits == {}


def test_no_key_is_written(tmp_path):
    path = tmp_path / "devices.json"
    add_device(RemoteDevice("board", "pi@board"), path)

    [record] = json.loads(path.read_text())
    assert set(record) == {"name", "address", "port", "python", "profile"}
