"""The networks of a search's Pareto front as they are measured on the device: each its own, once,
and shown on the page of trials."""

import pytest

from stages.config.device import Device, DeviceCost
from stages.deploy.device.measuring import CannotRun, Unmeasured
from stages.deploy.device.untrained_network import Packed
from stages.opening import open_store
from stages.runner import measured_points
from stages.runner.lock import read_lock
from stages.runner.page_views import views_of
from stages.runner.pick import costs_of, searched_run
from tests import makers
from tests.evaluate.test_pareto import RECORD
from tests.runner.test_pick import save_run

PROFILE = "far away"  # a device that is not this machine


@pytest.fixture
def settings(tmp_path):
    found = makers.settings(tmp_path)
    save_run(found, architecture=RECORD)
    return found


@pytest.fixture
def sizes(monkeypatch):
    """Networks that are not built: each has as many bytes as its genotype has characters. The
    genotypes that were packed."""
    packed = []

    def pack(model_input, spec, store, resources) -> Packed:
        packed.append(spec.genotype)
        return Packed({"model.onnx": b"0" * len(spec.genotype)}, "int8")

    monkeypatch.setattr(measured_points, "packed", pack)
    return packed


def measure(name, network, numeric, shape, profile, engine, *, store, resources) -> DeviceCost:
    """In place of a measurement, the milliseconds are the network's kilobytes."""
    size = len(network["model.onnx"])
    return DeviceCost(
        input=name, numeric=numeric, latency_ms_p95=size / 1000, size_mb=size / 1e6, memory_mb=50
    )


def searched(settings):
    return searched_run("first", settings)


def page_of_trials(settings) -> str:
    store = open_store(settings)
    views = views_of(read_lock("first", store), store)
    return next(view.page for view in views if view.title == "Trials")


def model(settings):
    store = open_store(settings)
    return store.load(read_lock("first", store).artifacts["train"])


def test_each_network_of_the_front_is_packed_and_measured(settings):
    found = searched(settings)
    by_parameters = sorted(found.pareto_front, key=lambda point: point.parameters)

    costs = costs_of(found, settings)

    assert set(costs) == {point.row.number for point in found.pareto_front}
    kilobytes = [1000 * costs[point.row.number].size_mb for point in by_parameters]
    assert kilobytes == sorted(set(kilobytes))
    for point, size in zip(by_parameters, kilobytes, strict=True):
        cost = costs[point.row.number]
        assert size > 0.9 * point.parameters / 1000  # a byte for each parameter, at least
        assert cost.input == point.row.input
        assert cost.numeric in found.lock.config["deploy"]["ladder"]
        assert 0 < cost.latency_ms_p95 < 1000
        assert cost.memory_mb > 1
        assert not cost.why


def test_what_was_measured_is_found_again_and_shown_on_the_page(settings, sizes, monkeypatch):
    monkeypatch.setattr(measured_points, "measured", measure)
    store, found = open_store(settings), searched(settings)
    before = measured_points.measured_before(model(settings), Device(), store)
    page_before = page_of_trials(settings)

    costs = costs_of(found, settings)

    assert before == {}
    assert sorted(sizes) == sorted(point.genotype.text for point in found.pareto_front)
    assert costs_of(found, settings) == costs
    assert len(sizes) == len(found.pareto_front)
    assert measured_points.measured_before(model(settings), Device(), store) == costs
    assert len({cost.size_mb for cost in costs.values()}) > 1
    assert "Reference ms" in page_before
    page = page_of_trials(settings)
    assert "Reference ms" not in page
    assert all(f"{1000 * cost.size_mb:.1f} int8" in page for cost in costs.values())


def test_what_another_device_measured_is_not_taken_for_this_one(settings, sizes, monkeypatch):
    monkeypatch.setattr(measured_points, "measured", measure)
    costs_of(searched(settings), settings)

    other = Device(profile=PROFILE)
    assert measured_points.measured_before(model(settings), other, open_store(settings)) == {}


def refused(error: Exception):
    def fail(*_, **__):
        raise error

    return fail


def test_a_network_that_the_engine_cannot_run_says_why_and_keeps_its_size(
    settings, sizes, monkeypatch
):
    monkeypatch.setattr(measured_points, "measured", refused(CannotRun("No such operator.")))

    costs = costs_of(searched(settings), settings)

    for point in searched(settings).pareto_front:
        cost = costs[point.row.number]
        assert cost.why == "No such operator."
        assert cost.size_mb == pytest.approx(len(point.genotype.text) / 1e6)
        assert cost.latency_ms_p95 is None
    assert costs_of(searched(settings), settings) == costs
    assert len(sizes) == len(costs)


def test_a_device_that_is_not_there_yet_is_asked_again_later(settings, sizes, monkeypatch):
    monkeypatch.setattr(measured_points, "measured", refused(Unmeasured("Not this device.")))
    first = costs_of(searched(settings), settings)
    monkeypatch.setattr(measured_points, "measured", measure)

    second = costs_of(searched(settings), settings)

    assert {cost.why for cost in first.values()} == {"Not this device."}
    assert all(cost.size_mb for cost in first.values())
    assert all(cost.latency_ms_p95 for cost in second.values())


def test_a_network_that_cannot_be_packed_has_no_figures(settings, monkeypatch):
    monkeypatch.setattr(measured_points, "packed", lambda *_: Packed(why="It has a loop."))

    costs = costs_of(searched(settings), settings)

    assert {(cost.why, cost.size_mb) for cost in costs.values()} == {("It has a loop.", None)}
