"""What would be shipped is held to the limits of its device, whatever was measured before."""

import pytest

from stages.config import DeployConfig, DeploySlice
from stages.config.device import Device
from stages.deploy import deploy
from stages.deploy.pack import unpack
from stages.runtime.errors import GateNotMet
from stages.settings import Settings
from stages.tracking import QuietRun


class Keeping(QuietRun):
    """A Run that keeps the files it is told of."""

    def __init__(self):
        self.files = {}

    def log_file(self, name, data):
        self.files[name] = data.decode()


def deployed(deployable, run=None, **limits):
    config = DeploySlice(
        name="shapes", target="device_sdk", deploy=DeployConfig(), device=Device(**limits)
    )
    services = {
        "store": deployable.store,
        "run": run or QuietRun(),
        "settings": Settings(threads=1),
    }
    return deploy(deployable.model, deployable.report, deployable.dataset, config, **services)


def test_a_package_within_its_limits_tells_them_beside_what_was_measured(deployable, tmp_path):
    run = Keeping()

    package = deployed(deployable, run, size_mb=1, latency_ms_p95=10_000, memory_mb=4000)

    page = run.files["package.html"]
    inside = (unpack(package, deployable.store, tmp_path / "package") / "report.html").read_text()
    assert all(text in page for text in ("Network file", "p95", "Memory of a process", "1e+04 ms"))
    assert "Network file" in inside
    assert "one window, p95" not in inside  # what was timed is never part of a package


def test_limits_that_hold_change_no_package(deployable, package):
    assert deployed(deployable).ref == package.ref


@pytest.mark.parametrize(
    ("limit", "unit"), [("size_mb", "MB"), ("latency_ms_p95", "ms"), ("memory_mb", "MB")]
)
def test_a_package_that_breaks_a_limit_is_not_shipped(deployable, limit, unit):
    before = set(deployable.store.refs("package"))

    with pytest.raises(GateNotMet, match=rf"as int8 .* {unit}, 1e-06 allowed") as caught:
        deployed(deployable, **{limit: 1e-6})

    assert "train.device" in caught.value.remedy
    assert set(deployable.store.refs("package")) == before


def test_of_another_device_the_size_alone_is_known(deployable):
    run = Keeping()

    deployed(deployable, run, profile="pi", size_mb=1, memory_mb=1e-6)

    assert "not measured here" in run.files["package.html"]
    with pytest.raises(GateNotMet, match="1e-06 allowed"):
        deployed(deployable, profile="pi", size_mb=1e-6)
