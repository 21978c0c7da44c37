"""What would be shipped is held to the limits of its device, whatever was measured before."""

from types import SimpleNamespace

import pytest

from stages.config import DeployConfig, DeploySlice
from stages.config.device import Device, DeviceCost
from stages.deploy import deploy
from stages.deploy.ladder import Candidate, LadderResult
from stages.deploy.limits import LimitCheck, _not_smaller, _rows, check_limits, check_size
from stages.deploy.pack import unpack
from stages.runtime.errors import GateNotMet
from stages.tracking import QuietRun
from tests import makers


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
        "resources": makers.resources(deployable.store.cache),
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


def test_each_limit_stands_beside_its_figure_in_one_order():
    device = Device(memory_mb=90, size_mb=2, profile="pi")
    figures = DeviceCost(input="lite", size_mb=1.5, latency_ms_p95=7)

    rows = _rows(device, figures)

    assert rows == [
        LimitCheck("Network file", "MB", 1.5, 2),
        LimitCheck("Memory of a process that runs it", "MB", None, 90),
    ]
    assert _rows(Device(), figures) == []


def test_the_size_alone_is_the_same_everywhere(tmp_path):
    config = SimpleNamespace(device=Device(size_mb=2, latency_ms_p95=9))
    network = {"first": bytes(1_234_000), "second": bytes(567)}
    work = SimpleNamespace(
        config=config, compressed=lambda numeric: network, model=SimpleNamespace(family="lite")
    )
    search = SimpleNamespace(best=SimpleNamespace(numeric="int8"), second=None)

    assert check_size(work, search) == [LimitCheck("Network file", "MB", 1.235, 2)]
    config.device = Device()
    resources = makers.resources(tmp_path)
    assert check_limits(work, search, resources) == check_size(work, search) == []


def test_smaller_formats_that_were_stopped_are_named():
    search = LadderResult(
        [Candidate("int8", False, "too far off"), Candidate("float16", True, "agrees")], None
    )

    assert _not_smaller(search) == " Smaller formats were tried: int8: too far off."
    assert _not_smaller(LadderResult([Candidate("int8", True, "agrees")], None)) == ""
