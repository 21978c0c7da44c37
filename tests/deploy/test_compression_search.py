"""`deploy.compress: auto`: the smallest or the fastest number format that agrees is shipped,
whatever was timed."""

import json
from itertools import combinations
from types import SimpleNamespace

import pytest
from pydantic import ValidationError

from stages.config import DeployConfig
from stages.config.device import DeviceCost
from stages.deploy import compression_search
from stages.deploy.candidates_plot import label_places, pareto_front, plots
from stages.deploy.compressors import SIZED_AS, CannotCompress
from stages.deploy.device.format_latencies import fastest_first
from stages.deploy.engines.onnxruntime import ONNX_RUNTIME
from stages.deploy.ladder import Candidate
from stages.metrics import proportion
from stages.runtime.errors import AgreementNotMet, ConfigError
from stages.tracking import QuietRun
from tests.deploy.test_instruction_sets import WITHOUT_VNNI, plant_careless

ROWS = 372  # of the test split


class Bench:
    """A workbench whose networks have these sizes, of which some agree. Below 0: no network."""

    def __init__(self, sizes, agreeing, **config):
        self.sizes, self.agreeing = sizes, agreeing
        self.config = SimpleNamespace(deploy=DeployConfig(compress="auto", **config))
        self.engine = SimpleNamespace(compressors=dict.fromkeys(sizes), name="onnxruntime")
        self.model = SimpleNamespace(hyperparameters={"input": "efficientnet_lite0@224"})
        self.modality = SimpleNamespace(noun="photo")
        self.tested, self.run, self.packed = list(range(ROWS)), QuietRun(), []

    @property
    def fastest_first(self):
        deploy, name = self.config.deploy, self.model.hyperparameters["input"]
        return deploy.fastest_of(self.engine.name, name)

    def compressed(self, numeric):
        if self.sizes[numeric] < 0:
            raise CannotCompress("There is no way.")
        return {"model.onnx": numeric.encode().ljust(self.sizes[numeric], b".")}


@pytest.fixture
def answered(monkeypatch):
    """A candidate without packing it: whether it agrees is the bench's."""

    def measured_candidate(work, numeric, network):
        work.packed.append(numeric)
        if work.agreeing[numeric] is None:
            raise ConfigError("The target cannot write Cast.", "Take another.")
        agrees = work.agreeing[numeric]
        tested = SimpleNamespace(numeric=numeric, gated=SimpleNamespace(failures=()))
        tested.agreement = SimpleNamespace(failures=() if agrees else ("far off",))
        why = "agrees with the trained model" if agrees else "far off"
        return Candidate(numeric, agrees, why, len(network["model.onnx"]), tested)

    monkeypatch.setattr(compression_search, "measured_candidate", measured_candidate)


SIZES = {"int8": 40, "int8_mixed": 50, "int8_weight_only": 42, "float16": 70, "float32": 130}
AGREEING = {
    "int8": False,
    "int8_mixed": True,
    "int8_weight_only": True,
    "float16": True,
    "float32": True,
}
FASTEST = {
    "onnxruntime efficientnet_lite0@224": (
        "int8",
        "int8_mixed",
        "int8_weight_only",
        "float16",
        "float32",
    )
}


def test_the_smallest_that_agrees_is_selected_and_all_others_are_compared(answered):
    work = Bench(SIZES, AGREEING)

    result = compression_search.search_formats(work)

    assert result.best.numeric == "int8_weight_only"
    assert [each.numeric for each in result.candidates] == sorted(SIZES, key=SIZES.__getitem__)
    assert [each.numeric for each in result.candidates if each.selected] == ["int8_weight_only"]
    whys = {each.numeric: each.why for each in result.candidates}
    assert whys["int8"] == "far off"
    assert whys["float32"] == "agrees with the trained model, but int8_weight_only is smaller"


def test_the_fastest_that_agrees_is_selected_by_the_order_of_the_lock(answered):
    work = Bench(SIZES, AGREEING, prefer="latency", fastest_first=FASTEST)

    result = compression_search.search_formats(work)

    assert result.best.numeric == "int8_mixed"
    assert work.packed == list(FASTEST["onnxruntime efficientnet_lite0@224"])


def test_without_an_order_the_smallest_is_selected(answered):
    work = Bench(SIZES, AGREEING, prefer="latency")

    assert compression_search.search_formats(work).best.numeric == "int8_weight_only"


def test_the_budget_ends_the_comparison_but_not_the_search(answered):
    minutes = 3 * compression_search.test_seconds(Bench(SIZES, AGREEING)) / 60
    none_but_float = {**dict.fromkeys(SIZES, False), "float32": True}

    result = compression_search.search_formats(Bench(SIZES, AGREEING, compress_minutes=minutes))
    found = compression_search.search_formats(
        Bench(SIZES, none_but_float, compress_minutes=minutes)
    )

    untested = [each.numeric for each in result.candidates if "used up" in each.why]
    assert untested == ["float16", "float32"]
    assert result.best.numeric == "int8_weight_only"
    assert found.best.numeric == "float32"


def test_a_format_that_cannot_be_made_or_packed_or_is_the_same_as_another_is_passed_over(answered):
    class Twins(Bench):
        def compressed(self, numeric):
            return super().compressed("int8" if numeric == "int8_mixed" else numeric)

    work = Twins({**SIZES, "float16": -1}, {**AGREEING, "int8_weight_only": None})

    result = compression_search.search_formats(work)

    whys = {each.numeric: each.why for each in result.candidates}
    assert whys["float16"] == "There is no way."
    assert whys["int8_weight_only"] == "The target cannot write Cast."
    assert whys["int8_mixed"] == "the same network as int8"
    assert result.best.numeric == "float32"


def test_a_format_that_takes_long_to_make_and_is_no_smaller_is_left_to_the_ladder(answered):
    sizes, agreeing = {**SIZES, "int8_finetuned": 40}, {**AGREEING, "int8_finetuned": True}

    result = compression_search.search_formats(Bench(sizes, agreeing))

    assert "int8_finetuned" not in [each.numeric for each in result.candidates]
    assert result.best.numeric == "int8_weight_only"


def test_if_none_agrees_the_reason_for_each_is_in_the_error(answered):
    with pytest.raises(AgreementNotMet, match="int8: far off; int8_weight_only: far off"):
        compression_search.search_formats(Bench(SIZES, dict.fromkeys(SIZES, False)))


def test_formats_that_are_computed_alike_are_as_fast_and_stand_in_the_order_of_their_size():
    rows = [
        DeviceCost(input="a", numeric="int8", latency_ms_p95=9.0),
        DeviceCost(input="a", numeric="float32", latency_ms_p95=7.0),
    ]

    order = fastest_first(ONNX_RUNTIME, rows)

    assert order == (
        "int8_weight_only",
        "float16",
        "float32",
        "int8",
        "int8_percentile",
        "int8_mixed",
        "int8_finetuned",
    )
    computed_as_int8 = ("int8", "int8_percentile", "int8_mixed", "int8_finetuned")
    assert fastest_first(ONNX_RUNTIME, rows[:1]) == computed_as_int8


def test_what_was_measured_changes_no_package_but_the_order_does():
    rows = tuple(DeviceCost(input="a", numeric="int8", latency_ms_p95=ms) for ms in (1, 2))

    configs = [DeployConfig(latencies=rows[:1]), DeployConfig(latencies=rows[1:])]

    assert configs[0].for_target("device_sdk") == configs[1].for_target("device_sdk")
    ordered = DeployConfig(fastest_first=FASTEST).for_target("device_sdk")
    assert ordered.fastest_first == FASTEST


def test_nothing_on_the_front_is_matched_by_something_cheaper():
    points = [(1.0, 0.9), (2.0, 0.9), (3.0, 0.95), (3.0, 0.99), (4.0, 0.98)]

    assert pareto_front(points) == [(1.0, 0.9), (3.0, 0.99)]


def test_names_in_the_plot_cover_no_mark_and_no_other_name():
    marks = [(400.0, 80.0), (401.0, 81.0), (399.0, 82.0), (402.0, 80.0), (470.0, 16.0)]
    names = ["int8", "int8_percentile", "int8_mixed", "int8_weight_only", "float32"]

    boxes = []
    for label, name in zip(label_places(marks, names), names, strict=True):
        left = label.x - 7 * len(name) if label.at_end else label.x
        boxes.append((left, label.y - 11, left + 7 * len(name), label.y + 3))
    boxes += [(x - 5, y - 5, x + 5, y + 5) for x, y in marks[::4]]

    for first, second in combinations(boxes, 2):
        apart = first[0] >= second[2] or second[0] >= first[2]
        assert apart or first[1] >= second[3] or second[1] >= first[3]


def test_a_line_leads_to_a_name_that_stands_away_from_its_mark():
    marks = [(250.0, 100.0)] * 6
    places = label_places(marks, ["int8"] * 6)

    near = [abs(place.y - 100) < 20 for place in places]
    assert [not place.leader for place in places] == near == [True] * 4 + [False] * 2
    assert places[4].leader == "261.0,76.0"


def test_times_that_are_rounded_to_nothing_are_drawn(answered):
    found = compression_search.search_formats(Bench(SIZES, AGREEING)).candidates
    for candidate in found:
        candidate.tested.agreement.same = proportion(9, 10)

    drawn = plots(found, {candidate.numeric: {"network_ms": 0.0} for candidate in found})

    assert [plot.marks[0].x for plot in drawn][1] == 64


def test_two_networks_are_refused_where_the_smallest_is_wanted():
    with pytest.raises(ValidationError, match="second_numeric: off, or"):
        DeployConfig(compress="auto", second_numeric="auto")

    DeployConfig(compress="auto", prefer="latency", second_numeric="auto")


@WITHOUT_VNNI
def test_the_fastest_may_have_a_second_beside_it(deployable, monkeypatch):
    plant_careless(monkeypatch)
    model_input = deployable.model.hyperparameters.get("input", "")
    order = {f"onnxruntime {model_input}": tuple(ONNX_RUNTIME.compressors)}

    package = deployable.deploy(
        compress="auto", prefer="latency", second_numeric="auto", fastest_first=order
    )

    shipped = [rung["numeric"] for rung in package.rungs if rung["kept"]]
    assert len(shipped) == 2
    assert shipped[0] == package.numeric
    description = json.loads(deployable.store.get(package.files["package.json"]))
    assert [each["numeric"] for each in description["by_processor"]] == shipped


@pytest.mark.slow
@pytest.mark.parametrize("prefer", ["size", "latency"])
def test_a_real_package_has_every_format_on_its_page(deployable, prefer):
    package = deployable.deploy(compress="auto", prefer=prefer)

    rungs = {rung["numeric"]: rung for rung in package.rungs}
    agreeing = [rung for rung in package.rungs if "agreement" in rung and not rung["failures"]]
    assert set(rungs) == set(ONNX_RUNTIME.compressors) - set(SIZED_AS)
    assert rungs[package.numeric]["kept"]
    assert rungs[package.numeric]["network_bytes"] == min(
        rung["network_bytes"] for rung in agreeing
    )
    page = deployable.store.get(package.files["report.html"]).decode()
    assert page.count('<svg class="formats"') == 1, "over size; times are not part of a package"
    assert package == deployable.deploy(compress="auto", prefer=prefer)
