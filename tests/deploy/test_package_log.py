"""What is kept beside a package and logged of it, and how its texts are spelled."""

from types import SimpleNamespace

import pytest

from stages.deploy.content import spelled
from stages.deploy.finish import log_comparable, log_package
from stages.deploy.targets import texts
from stages.metrics import proportion
from stages.tracking import QuietRun

TIMES = {
    "int8": {"median_ms": 1.5, "p95_ms": 2.0, "load_ms": 30.0, "n": 60},
    "float32": {"median_ms": 3.0, "p95_ms": 4.0, "load_ms": 40.0, "n": 60},
}
COSTS = {"int8": {"network_ms": 0.4}, "float32": {"network_ms": 0.9}}


class Recording(QuietRun):
    def __init__(self):
        self.params, self.metrics, self.tags, self.files = {}, {}, {}, {}

    def log_params(self, params):
        self.params |= params

    def log_metrics(self, metrics, step=0):
        self.metrics |= metrics

    def log_tags(self, tags):
        self.tags |= tags

    def log_file(self, name, data):
        self.files[name] = data


def log(monkeypatch, compress):
    """The run and the notes of a package that was logged with this deploy.compress."""
    times = {numeric: dict(row) for numeric, row in TIMES.items()}
    monkeypatch.setattr("stages.deploy.finish.timed", lambda work, result: times)
    monkeypatch.setattr("stages.deploy.finish.costs_of_networks", lambda work, result: COSTS)
    monkeypatch.setattr(
        "stages.deploy.finish.page",
        lambda work, result, times, limits, stated: f"{times} {limits} {stated}",
    )
    run, notes = Recording(), {}
    package = SimpleNamespace(
        ref=SimpleNamespace(id="p1"),
        target="cloud_api",
        numeric="int8",
        size_bytes=1234,
        files={},
        agreement=proportion(9, 10),
        overall={"accuracy": proportion(8, 10), "macro_f1": proportion(7, 10)},
        verdict="ship",
        gate={"accuracy": 0.5},
        reasons=(
            "Good enough.",
            "All labels are.",
        ),
    )
    work = SimpleNamespace(
        config=SimpleNamespace(deploy=SimpleNamespace(compress=compress)),
        store=SimpleNamespace(note=notes.__setitem__),
        run=run,
        engine=SimpleNamespace(name="onnxruntime"),
        kind=SimpleNamespace(headline=("accuracy", "macro_f1")),
    )
    sets = [SimpleNamespace(instruction_set="arm64"), SimpleNamespace(instruction_set="x86-64")]
    result = SimpleNamespace(best=SimpleNamespace(instruction_sets=sets))
    log_package(package, work, result, ["a limit"])
    log_comparable(package, work)
    return run, notes


@pytest.fixture
def logged(monkeypatch):
    return log(monkeypatch, "ladder")


def test_with_compress_auto_the_networks_alone_are_noted_too(monkeypatch):
    _, notes = log(monkeypatch, "auto")

    rungs = {numeric: {**TIMES[numeric], **COSTS[numeric]} for numeric in TIMES}
    assert notes == {"latency/p1": {**rungs["int8"], "rungs": rungs}}


def test_latencies_are_noted_beside_the_package(logged):
    assert logged[1] == {"latency/p1": {**TIMES["int8"], "rungs": TIMES}}


def test_its_numbers_are_logged_and_those_that_can_be_compared_under_the_target(logged):
    run, _ = logged
    accuracy, macro = proportion(8, 10), proportion(7, 10)

    assert run.params == {
        "target": "cloud_api",
        "engine": "onnxruntime",
        "numeric": "int8",
        "instruction_set": "arm64",  # the first is that of this machine
    }
    assert run.metrics == {
        "size_bytes": 1234,
        "agreement": 0.9,
        "accuracy": 0.8,
        "macro_f1": 0.7,
        **{f"latency_{name}": value for name, value in TIMES["int8"].items()},
        "package/cloud_api/accuracy": 0.8,
        "package/cloud_api/accuracy_low": accuracy.low,
        "package/cloud_api/accuracy_high": accuracy.high,
        "package/cloud_api/macro_f1": 0.7,
        "package/cloud_api/macro_f1_low": macro.low,
        "package/cloud_api/macro_f1_high": macro.high,
    }


def test_its_verdict_and_page_are_logged(logged):
    run, _ = logged

    assert set(run.tags) == {
        f"package.cloud_api.{name}" for name in ("verdict", "measured", "reasons")
    }
    assert run.tags["package.cloud_api.verdict"] == "ship"
    assert run.tags["package.cloud_api.reasons"] == "Good enough. All labels are."
    assert "80 %" in run.tags["package.cloud_api.measured"]
    assert run.files == {"package.html": f"{TIMES} ['a limit'] []".encode()}


def test_json_is_spelled_for_people_and_always_alike():
    text = spelled({"b": (1,), "a": "é"}).decode()

    assert text == '{\n  "a": "é",\n  "b": [\n    1\n  ]\n}\n'


def test_sentences_of_the_readme_are_at_most_a_hundred_wide_and_names_stay_whole():
    summary = " ".join(["x" * 50, "y" * 50, *["long-names"] * 12])

    lines = texts.sure(SimpleNamespace(least=0.5, summary=summary)).splitlines()

    assert lines[3:5] == ["x" * 50, " ".join(["y" * 50, *["long-names"] * 4])]
    assert texts.sure(SimpleNamespace(least=None, summary=summary)) == ""
