"""Engines beside the reference: one that answers otherwise, or saturates, does not pass."""

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from stages.deploy.compressors import SIZED_AS
from stages.deploy.conformance.checks import compared
from stages.deploy.conformance.instruction_set_runs import SetRun, emulated_run
from stages.deploy.conformance.matrix import DATA, PAGE, page, read, row, update
from stages.deploy.conformance.networks import reference_network
from stages.deploy.conformance.probe import lost_share, sums_as_stated
from stages.deploy.conformance.references import sizes_of, with_answers
from stages.deploy.conformance.results import CheckResult, Comparison
from stages.deploy.emulated_processors import EmulatedProcessor, here
from stages.parts import ENGINES, FAMILIES
from stages.runtime.backends import BACKENDS
from stages.runtime.backends.numpy_engine import NumpyEngine
from stages.runtime.backends.sums import Sums
from stages.runtime.errors import BackendMissing, Damaged, InfrastructureError
from stages.runtime.processor import instruction_set
from tests import makers
from tests.deploy.simulated import Exact, Saturating
from tests.engines import marked

FAMILY = "small_audio"
MATRIX = Path(__file__).parents[2] / "configs" / "engines"


class Careless(Saturating):
    """Saturates, and says that it does not."""

    @classmethod
    def sums(cls, numeric, instruction_set):
        return Sums.FLOAT if numeric != "int8" else Sums.INT32


class Shifted(NumpyEngine):
    """Answers a little beside the reference."""

    def run(self, inputs):
        return {name: 1.01 * values for name, values in super().run(inputs).items()}


class Batched(NumpyEngine):
    """Answers each window of a batch as it would the first."""

    def run(self, inputs):
        found = super().run(inputs)
        return {name: np.repeat(values[:1], len(values), axis=0) for name, values in found.items()}


class Crashing(NumpyEngine):
    """Cannot run a network that it has loaded."""

    def run(self, inputs):
        raise InfrastructureError("numpy cannot run on this.")


def plant(monkeypatch, backend: type, engine: str) -> None:
    name = ENGINES[engine].backend
    monkeypatch.setitem(BACKENDS.places, name, f"{__name__}:{backend.__name__}")


@pytest.fixture(scope="module")
def reference(tmp_path_factory):
    folder = tmp_path_factory.mktemp("reference")
    store, resources = makers.store(folder), makers.resources(folder)
    with reference_network(FAMILY, store, resources) as graphs:
        yield next(with_answers(FAMILY, graphs))


@pytest.mark.parametrize("name", marked([name for name in ENGINES if name != "opencv"]))
def test_an_installed_engine_passes_every_check(name, reference):
    comparison = compared(ENGINES[name], reference)

    failed = [failure for failure in comparison.failures if not failure.startswith("damage: ")]
    assert not failed
    assert set(comparison.differences) == set(ENGINES[name].compressors) - set(SIZED_AS)
    assert comparison.costs["memory_mb"] > 10


@pytest.mark.parametrize(
    ("backend", "check"),
    [(Shifted, "numbers: 0.01"), (Batched, "numbers: "), (Batched, "batches: ")],
)
def test_an_engine_that_answers_otherwise_fails(backend, check, reference, monkeypatch):
    plant(monkeypatch, backend, "numpy")

    comparison = compared(ENGINES["numpy"], reference)

    assert not comparison.passed
    assert any(failure.startswith(check) for failure in comparison.failures)


def test_an_engine_that_cannot_run_it_has_a_reason_in_its_place(reference, monkeypatch):
    plant(monkeypatch, Crashing, "numpy")

    comparison = compared(ENGINES["numpy"], reference)

    assert comparison.failures == ["numpy cannot run on this."]


@pytest.mark.parametrize("name", marked(["onnxruntime", "ncnn", "mnn"]))
def test_engines_that_say_so_lose_nothing_of_the_largest_sums(name):
    assert lost_share(ENGINES[name]) < 0.02


def test_an_engine_that_saturates_without_saying_so_does_not_pass(monkeypatch):
    plant(monkeypatch, Careless, "onnxruntime")
    careless = sums_as_stated(ENGINES["onnxruntime"])
    plant(monkeypatch, Saturating, "onnxruntime")
    honest = sums_as_stated(ENGINES["onnxruntime"])
    plant(monkeypatch, Exact, "onnxruntime")
    exact = sums_as_stated(ENGINES["onnxruntime"])

    assert not careless.passed
    assert careless.found.startswith("49.")
    assert honest.passed  # the gate then asks for more
    assert honest.found.startswith("49.")
    assert exact.found.startswith("0.0%")


def test_an_engine_without_int8_has_nothing_to_lose():
    assert sums_as_stated(ENGINES["numpy"]).found == "it has no int8"


def test_an_engine_on_another_processor_is_compared_with_the_reference(reference):
    run = emulated_run(ENGINES["onnxruntime"], instruction_set(), here(), reference)

    assert (run.how, run.problem) == ("emulated", "")
    assert 0 < run.difference < 1e-4
    assert run.lost < 0.02


def test_a_processor_of_another_instruction_set_than_was_meant_does_not_count(reference):
    run = emulated_run(ENGINES["numpy"], "riscv64", here(), reference)

    assert run.problem.endswith(f"calls itself {instruction_set()}, not riscv64.")
    assert run.difference is None


def test_a_processor_on_which_the_engine_ends_the_process_has_the_reason(reference):
    broken = EmulatedProcessor(
        "broken", (sys.executable, "-c", "import sys; sys.exit('no such library')")
    )

    run = emulated_run(ENGINES["numpy"], instruction_set(), broken, reference)

    assert run.problem.endswith("ended with code 1: no such library.")


def test_a_library_that_is_not_installed_there_is_no_failure_of_the_engine(reference):
    without = EmulatedProcessor("bare", (sys.executable, "-c", "import sys; sys.exit(4)"))

    with pytest.raises(BackendMissing, match="numpy is not installed for the emulated bare"):
        emulated_run(ENGINES["numpy"], instruction_set(), without, reference)


def test_an_engine_that_answers_otherwise_there_fails(reference):
    answers = {name: 1.01 * values for name, values in reference.answers.items()}

    run = emulated_run(
        ENGINES["numpy"], instruction_set(), here(), replace(reference, answers=answers)
    )

    assert run.problem.startswith("0.0099 away, 0.001 allowed")


def test_a_family_of_pictures_is_compared_at_two_sizes_and_one_of_sounds_at_one():
    assert sizes_of("efficientnet_lite0") == [224, 96]
    assert sizes_of("lite_detector") == [320, 160]
    assert sizes_of("small_audio") == [64]


def test_the_matrix_is_written_and_read_again(tmp_path):
    passed = Comparison("a@64", [CheckResult("numbers", True, "")], {"float32": 1e-7, "int8": 0.02})
    lacking = Comparison("b@64", problem="It lacks an operator: Frobnicate.")
    sums = CheckResult("sums", True, "0.0% of the largest sums is lost")

    runs = {
        "arm64": SetRun("emulated", 1.2345e-7, 0.0),
        "x86-64": SetRun("emulated", problem="It ended with code -11."),
    }

    update(tmp_path, "onnxruntime", row(ENGINES["onnxruntime"], [passed, lacking], sums, runs))
    update(tmp_path, "numpy", row(ENGINES["numpy"], [passed], sums, {}))

    text = (tmp_path / "ENGINES.md").read_text()
    assert list(read(tmp_path)) == ["numpy", "onnxruntime"]
    assert text == page(read(tmp_path))
    here = f"{instruction_set()} native"
    assert f"| 1 of 2 | {here}, arm64 emulated, x86-64 emulated | 1e-07 | – | 0.02 |" in text
    assert f"| 1 of 1 | {here} | 1e-07 |" in text
    assert "| onnxruntime | does not run: It ended with code -11. | 1.2e-07; 0.0% lost |" in text
    assert "- onnxruntime, emulated x86-64: It ended with code -11." in text
    assert "- onnxruntime, b@64: It lacks an operator: Frobnicate." in text
    assert "- paddle_lite: " in text
    assert "- mnn: not measured yet" in text


def test_families_that_a_row_lacks_are_named(tmp_path):
    ran = [Comparison(f"{family}@64", differences={"float32": 0.0}) for family in FAMILIES]
    sums = CheckResult("sums", True, "it has no int8")

    update(tmp_path, "numpy", row(ENGINES["numpy"], ran, sums, {}))
    update(tmp_path, "mnn", row(ENGINES["mnn"], ran[1:], sums, {}))

    text = (tmp_path / "ENGINES.md").read_text()
    assert f"- mnn: not run on {next(iter(FAMILIES))}.\n" in text
    assert "- numpy: not run" not in text


def test_the_committed_matrix_has_a_row_for_each_engine_and_no_other():
    rows = read(MATRIX)

    assert set(rows) == set(ENGINES)
    assert (MATRIX / PAGE).read_text("utf-8") == page(rows)


def test_a_matrix_that_is_damaged_is_told(tmp_path):
    (tmp_path / DATA).write_text(json.dumps({"numpy": {}}))

    with pytest.raises(Damaged, match="cannot be read"):
        read(tmp_path)
