"""What ships is told first, target by target, from a run's lock."""

import pytest

from stages.artifacts import Measure, Package, Report
from stages.runner.comparison import differences, verdicts
from stages.runner.lock import Failure, Lock
from stages.runner.report_view import BEGIN, END, note, with_packages
from stages.runner.shipped import reasons_of, shipped, trained
from tests import makers

TARGETS = ("cloud_api", "device_sdk")
FROZEN = f"<h1>Report</h1>{BEGIN}<p>none yet</p>{END}<p>Trained model</p>"


def of(value: float) -> dict[str, Measure]:
    return {"accuracy": Measure(value=value, low=value - 0.05, high=value + 0.05, n=367)}


def report(**changes) -> Report:
    facts = {"verdict": "ship", "gate": {"accuracy": 0.7}, "reasons": ("Good.",), **changes}
    return Report(
        task="image_classification",
        labels=("a", "b"),
        overall=of(0.847),
        labels_measured={},
        threshold=0.5,
        **facts,
    )


def package(target: str, value: float, numeric: str = "int8", **changes) -> Package:
    facts = {"verdict": "ship", "gate": {"accuracy": 0.7}, **changes}
    return Package(
        name="cells",
        target=target,
        backend="onnxruntime",
        format="onnx",
        numeric=numeric,
        size_bytes=9_200_000,
        overall=of(value),
        labels_measured={},
        agreement=of(0.99)["accuracy"],
        **facts,
    )


def lock(store, *packages, failed=None, **changes) -> Lock:
    artifacts = {"evaluate": store.save(report(**changes))}
    artifacts |= {f"deploy_{package.target}": store.save(package) for package in packages}
    config = {
        "task": "image_classification",
        "deploy": {"targets": ["cloud_api", "device_sdk"]},
    }
    named = {"run": "one", "pipeline": "cells", "data": {}, "seeds": {}, "requirements": ""}
    return Lock(**named, config=config, machine={}, artifacts=artifacts, failed=failed or {})


@pytest.fixture
def store(tmp_path):
    return makers.store(tmp_path)


def test_each_package_has_a_line_with_its_own_figures_and_the_trained_model_comes_last(store):
    lines = shipped(
        lock(store, package("cloud_api", 0.828), package("device_sdk", 0.831, "float16")), store
    )

    assert lines[0].text.split(maxsplit=1) == [
        "cloud_api",
        "accuracy 82.8 % (77.8 to 87.8 %, n = 367), int8, 9.2 MB, ship",
    ]
    assert "accuracy 83.1 %" in lines[1].text
    assert "float16" in lines[1].text
    note_lines = note([*lines, trained(report())]).splitlines()
    assert [line.split("**")[1] for line in note_lines] == [
        "cloud_api",
        "device_sdk",
        "trained model",
    ]


def test_the_page_of_a_report_begins_with_the_packages(store):
    lines = shipped(lock(store, package("cloud_api", 0.828), package("device_sdk", 0.828)), store)

    page = with_packages(FROZEN, lines)

    assert page.index("82.8 %") < page.index("Trained model")
    assert "none yet" not in page
    assert 'class="card verdict good"' in page
    assert with_packages(page, lines) == page  # rendered again, it is the same


def test_a_target_without_a_package_is_told_and_takes_the_green_away(store):
    failure = Failure(error="GateNotMet", problem="int8: <b>below</b> the gate")
    lines = shipped(
        lock(store, package("device_sdk", 0.8), failed={"deploy_cloud_api": failure}), store
    )

    page = with_packages(FROZEN, lines)

    assert [line.state for line in lines] == ["refused", "packed"]
    assert 'class="card verdict bad"' in page
    assert "int8: &lt;b&gt;below&lt;/b&gt; the gate" in page


@pytest.mark.parametrize(
    ("verdicts", "title"),
    [
        (("ship", "ship"), "2 packages, ready to ship"),
        (("ship", "undecided"), "2 packages, to be judged by a person"),
        (("ship",), "1 of 2 packages were made"),
        ((), "Nothing ships"),
    ],
)
def test_the_heading_says_what_there_is_to_ship(store, verdicts, title):
    targets = ("cloud_api", "device_sdk")
    packages = [
        package(name, 0.8, verdict=verdict)
        for name, verdict in zip(targets, verdicts, strict=False)
    ]
    refused = Failure(error="GateNotMet", problem="too low")
    failed = {f"deploy_{name}": refused for name in targets[len(verdicts) :]}

    page = with_packages(FROZEN, shipped(lock(store, *packages, failed=failed), store))

    assert f"<strong>{title}</strong>" in page


def test_a_fault_is_no_refusal(store):
    failure = Failure(error="OSError", problem="OSError: No space left on device")

    lines = shipped(lock(store, failed={"deploy_cloud_api": failure}), store)

    assert [line.verdict for line in lines] == ["no package: failed", "no package yet"]


def test_a_page_stays_frozen_while_nothing_is_packed(store):
    assert with_packages(FROZEN, shipped(lock(store), store)) == FROZEN


def test_without_a_minimum_nothing_is_green(store):
    ungated = package("cloud_api", 0.8, gate={}), package("device_sdk", 0.8, gate={})

    lines = shipped(lock(store, *ungated, gate={}), store)

    assert {line.style for line in lines} == {"doubt"}
    assert "better than guessing; no minimum was set" in lines[0].text
    assert trained(report(gate={})).style == "doubt"


def test_a_reason_that_two_targets_share_is_told_once(store):
    same = {"reasons": ("Too few.",), "verdict": "undecided"}

    lines = shipped(
        lock(store, package("cloud_api", 0.8, **same), package("device_sdk", 0.8, **same)), store
    )

    assert reasons_of(lines) == [("Too few.", ["cloud_api", "device_sdk"])]


def test_a_verdict_that_changed_is_told_and_a_package_that_was_not_made_is_no_change(store):
    before = lock(store, package("cloud_api", 0.828), package("device_sdk", 0.828))
    before = before.model_copy(update={"code": {"etl": "a", "deploy_cloud_api": "b"}})
    failed = {f"deploy_{name}": Failure(error="GateNotMet", problem="below") for name in TARGETS}
    after = lock(store, failed=failed, verdict="do not ship")
    after = after.model_copy(update={"code": {"etl": "a"}})

    assert verdicts(before, after, store) == {
        "cloud_api": ("ship", "no package: refused"),
        "device_sdk": ("ship", "no package: refused"),
        "trained model": ("ship", "do not ship"),
    }
    assert verdicts(before, before, store) == {}
    assert differences(before, after)["code"] == {}
