"""A package is measured in every engine, from its model or from its own file alone."""

import json

import pytest

from stages.deploy.bench.costs import Costs, costs_of
from stages.deploy.bench.grid import variants
from stages.deploy.bench.measured import Bench, BenchRow, bars, benched, page
from stages.deploy.device.measuring import CannotRun
from stages.deploy.engines import missing_libraries
from stages.deploy.pack import unpack
from stages.parts import ENGINES
from stages.runtime.description import description_of
from stages.runtime.errors import Damaged
from tests import makers

QUICK = 0.05  # seconds for each figure
INSTALLED = [name for name in ENGINES if not missing_libraries(ENGINES[name])]


@pytest.fixture(scope="module")
def folder(deployable, package, tmp_path_factory):
    return unpack(package, deployable.store, tmp_path_factory.mktemp("bench") / "package")


@pytest.fixture(scope="module")
def bench(deployable, folder):
    return benched(folder, deployable.store, QUICK)


def test_every_installed_engine_and_number_format_has_figures_or_a_reason(bench):
    found = {(row.engine, row.numeric): row for row in bench.rows}

    assert {engine for engine, _ in found} == set(ENGINES)
    for name in INSTALLED:
        for numeric in ENGINES[name].compressors:
            row = found[name, numeric]
            assert row.costs or row.why, (name, numeric)
        assert found[name, "float32"].costs, found[name, "float32"].why
        assert found[name, "float32"].agreeing == found[name, "float32"].golden
    for name in set(ENGINES) - set(INSTALLED):
        assert found[name, ""].why.startswith("not installed here: ")


def test_figures_are_of_this_network(bench):
    rows = {(row.engine, row.numeric): row for row in bench.rows}

    whole, half = rows["onnxruntime", "float32"], rows["onnxruntime", "float16"]
    assert half.size_mb < 0.6 * whole.size_mb
    assert 0 < whole.costs[1].p50_ms <= whole.costs[1].p95_ms
    assert whole.costs[1].load_ms > 1
    assert whole.costs[1].memory_mb > 30
    assert bench.fastest.agreeing == bench.fastest.golden


def test_table_page_and_data_have_the_same_rows(bench):
    record, html = json.loads(bench.record), page(bench)

    assert len(record["rows"]) == len(bench.rows)
    measured = [row for row in bench.rows if row.costs]
    assert html.count("<circle") == len(measured)
    assert html.count("</tr>") == len(bench.rows) + 1
    drawn, marks = bars(bench)
    assert all(190 < bar.x <= bar.end < 730 for bar in drawn)
    assert marks == sorted(marks)


def test_without_the_model_only_engines_of_its_own_format_are_measured(folder, tmp_path):
    found = list(variants(folder, description_of(folder), makers.store(tmp_path)))

    converted = {variant.engine for variant in found if variant.network}
    assert converted <= {"onnxruntime", "openvino", "opencv"}
    assert "onnxruntime" in converted
    (numpy,) = [variant for variant in found if variant.engine == "numpy"]
    assert numpy.why == "the package has onnx, and its model is not in this store"


def test_a_network_that_does_not_run_has_its_reason(tmp_path):
    (tmp_path / "model.onnx").write_bytes(b"no network")

    with pytest.raises(CannotRun, match=r"cannot load model\.onnx"):
        costs_of(tmp_path / "model.onnx", "onnxruntime", "float32", (1, 1, 2), seconds=QUICK)


def test_a_package_that_was_changed_is_refused(folder, deployable, tmp_path):
    import shutil

    copy = shutil.copytree(folder, tmp_path / "copy")
    network = copy / "model.onnx"
    network.write_bytes(network.read_bytes()[:-1] + b"x")

    with pytest.raises(Damaged, match=r"model\.onnx"):
        benched(copy, deployable.store, QUICK)


def test_what_changes_answers_is_never_the_fastest():
    def row(engine, milliseconds, agreeing):
        costs = {1: Costs(1, milliseconds, milliseconds, milliseconds, 1, 1)}
        return BenchRow(engine, "int8", 1.0, costs, agreeing, 8)

    rows = (
        row("a", 1.0, 7),
        row("b", 3.0, 8),
        row("c", 2.0, None),
        BenchRow("d", "int8", why="no"),
    )
    bench = Bench("n", "int8", "a", (1,), "x86-64", 2, rows)

    assert bench.fastest.engine == "b"
    assert Bench("n", "int8", "a", (1,), "x86-64", 2, rows[:1]).fastest is None
