"""A package says what holds for it on each kind of processor; it runs where something does."""

import json
import shutil
import subprocess
import sys
from typing import get_args

import pytest

from stages.config import DeployConfig, parse_pipeline
from stages.deploy.emulation import check_emulators, emulator
from stages.deploy.instruction_sets import (
    COMPUTED,
    EMULATED,
    MEASURED,
)
from stages.deploy.pack import unpack
from stages.deploy.packed import run_packed
from stages.runner.resolve import resolve
from stages.runtime.backends.onnxruntime import OnnxRuntime
from stages.runtime.backends.sums import Sums
from stages.runtime.description import description_of, for_processor
from stages.runtime.errors import AgreementNotMet, ConfigError, Damaged, UntestedProcessor
from stages.runtime.predictor import Predictor
from stages.runtime.processor import INSTRUCTION_SETS, X86, InstructionSet, instruction_set
from stages.runtime.sealed import SEAL, seal
from stages.runtime.selftest import selftest
from stages.runtime.verified import FILE
from tests import makers
from tests.emulation import cortex_a72, haswell

HERE = instruction_set()


OTHER_SETS = [name for name in INSTRUCTION_SETS if name != HERE]


WITHOUT_VNNI = pytest.mark.skipif(HERE == "x86-64", reason="this processor is measured itself")


@pytest.fixture
def careless(monkeypatch):
    """A backend that does not set its option on x86-64 without VNNI: its pair sums saturate."""
    plant_careless(monkeypatch)


def plant_careless(monkeypatch):
    sums = OnnxRuntime.sums

    def without_option(numeric: str, instruction_set: str) -> Sums:
        careful = sums(numeric, instruction_set)
        saturates = instruction_set == X86 and careful != Sums.FLOAT
        return Sums.SATURATING_PAIRS if saturates else careful

    monkeypatch.setattr(OnnxRuntime, "sums", staticmethod(without_option))


def statements_of(package, deployable) -> dict:
    return json.loads(deployable.store.get(package.files[FILE]))["instruction_sets"]


def test_each_set_has_exactly_one_statement_with_its_figures(deployable, package):
    statements = statements_of(package, deployable)

    assert set(statements) == set(INSTRUCTION_SETS)
    assert statements[HERE]["statement"] == MEASURED
    assert statements[HERE]["agreement"]["n"] == statements[HERE]["samples"] == 60
    for name in OTHER_SETS:
        assert statements[name]["statement"] == COMPUTED
        assert statements[name]["pair_sums"] > 1_000_000
        assert statements[name]["samples"] == 60
        assert statements[name]["layers"] == 4


@WITHOUT_VNNI
def test_the_options_of_a_weaker_processor_are_measured_here(deployable, package):
    agreement = statements_of(package, deployable)["x86-64"]["agreement"]

    assert agreement["value"] == 1
    assert agreement["n"] == 60


def test_record_page_and_readme_say_the_same(deployable, package):
    statements = statements_of(package, deployable)

    assert package.rungs[-1]["instruction_sets"] == statements
    (measured,) = json.loads(deployable.store.get(package.files["measured.json"]))
    assert measured["instruction_sets"] == statements
    readme, page = (
        deployable.store.get(package.files[name]).decode() for name in ("README.md", "report.html")
    )
    for name, statement in statements.items():
        assert f"- {name}: {statement['statement']}." in readme
        assert statement["basis"] in page


def test_floats_hold_everywhere(deployable):
    package = deployable.deploy(ladder=("float32",), instruction_sets=("arm64",))

    record = json.loads(deployable.store.get(package.files[FILE]))

    assert {statement["statement"] for statement in record["instruction_sets"].values()} <= {
        MEASURED,
        COMPUTED,
    }
    assert record["others"]["statement"] == COMPUTED
    assert "floating point" in record["others"]["basis"]


@WITHOUT_VNNI
def test_an_engine_that_saturates_is_not_shipped_for_that_processor(deployable, careless):
    package = deployable.deploy()

    stopped, shipped = package.rungs
    assert (stopped["numeric"], stopped["kept"], package.numeric) == ("int8", False, "float16")
    assert "not verified for x86-64 processors: " in stopped["why"]
    assert (
        "pair sums of 4 layers of 8 bits saturate, in 2 layers, on 60 test photos"
        in (stopped["why"])
    )
    assert shipped["instruction_sets"]["x86-64"]["statement"] == COMPUTED


@WITHOUT_VNNI
def test_nothing_is_shipped_if_that_is_the_only_format(deployable, careless):
    with pytest.raises(AgreementNotMet, match="not verified for x86-64 processors"):
        deployable.deploy(ladder=("int8",))


@WITHOUT_VNNI
def test_a_set_that_the_target_does_not_name_stops_nothing(deployable, careless):
    package = deployable.deploy(instruction_sets=("x86-64-vnni", "arm64"))

    assert package.numeric == "int8"
    assert set(statements_of(package, deployable)) == {HERE, "x86-64-vnni", "arm64"}


def test_a_package_refuses_a_processor_that_it_was_not_verified_for(deployable, package, tmp_path):
    folder = unpack(package, deployable.store, tmp_path / "package")
    without(folder, HERE)
    photo = tmp_path / "photo.png"
    photo.write_bytes(makers.picture("square", 999))

    with pytest.raises(UntestedProcessor, match=f"not verified for processors of the kind {HERE}"):
        Predictor.open(folder)

    refused, forced = typed(folder, photo), typed(folder, "predict", photo, "--untested")
    assert (refused.returncode, forced.returncode) == (7, 0)
    assert "--untested" in refused.stderr
    assert "square" in forced.stdout


def test_a_package_that_was_measured_here_answers_here(deployable, package, tmp_path):
    folder = unpack(package, deployable.store, tmp_path / "package")
    photo = tmp_path / "photo.png"
    photo.write_bytes(makers.picture("square", 999))

    answered = typed(folder, photo)

    assert answered.returncode == 0, answered.stderr


def test_equal_input_makes_an_equal_package(deployable, package):
    assert deployable.deploy() == package


def test_the_names_of_the_config_are_those_of_the_runtime():
    assert get_args(InstructionSet) == INSTRUCTION_SETS


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("qemu-x86_64"), reason="needs qemu-user")
@WITHOUT_VNNI
def test_a_processor_can_be_measured_under_emulation(deployable):
    package = deployable.deploy(emulated_samples=6)

    statements = statements_of(package, deployable)["x86-64"]

    assert statements["statement"] == EMULATED
    assert statements["samples"] == statements["agreement"]["n"] == 6
    assert "qemu-x86_64 -cpu Haswell" in statements["basis"]


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("qemu-x86_64"), reason="needs qemu-user")
def test_the_package_knows_the_emulated_processor(deployable, package, tmp_path):
    folder = unpack(package, deployable.store, tmp_path / "package")
    without(folder, "x86-64")
    photo = tmp_path / "photo.png"
    photo.write_bytes(makers.picture("square", 999))

    refused = typed(folder, photo, through=emulator("x86-64"))

    assert refused.returncode == 7
    assert "processors of the kind x86-64," in refused.stderr


def without(folder, name):
    """Take `name` out of what the package says of processors, and seal it again."""
    record = json.loads((folder / FILE).read_text())
    del record["instruction_sets"][name]
    (folder / FILE).write_text(json.dumps(record))
    lines = (folder / SEAL).read_text().splitlines()
    names = [line.split("  ", 1)[1] for line in lines if not line.startswith("#")]
    (folder / SEAL).write_bytes(seal({path: (folder / path).read_bytes() for path in names}))


def typed(folder, *arguments, through=()):
    command = [*through, sys.executable, "-B", "-m", "shapes_sdk", *map(str, arguments)]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, encoding="utf-8")


def test_a_basis_begins_with_how_sums_are_added_there(deployable, package):
    floats = deployable.deploy(ladder=("float32",))

    for name in OTHER_SETS:
        basis = statements_of(package, deployable)[name]["basis"]
        assert basis.startswith("sums are added there in ")
        basis = statements_of(floats, deployable)[name]["basis"]
        assert basis.startswith("sums are added there in floating point")
    for statement in statements_of(package, deployable).values():
        if statement["sums"] == Sums.INT32 and statement["statement"] == COMPUTED:
            assert "; without these options, in 16 bits, " in statement["basis"]


@WITHOUT_VNNI
def test_the_packed_runtime_is_given_the_name_of_what_is_emulated(deployable, monkeypatch):
    calls = []

    def recording(*arguments, on=None, through=(), **further):
        calls.append((on, tuple(through)))
        return run_packed(*arguments, on=on, **further)  # here: as fast, and with the same options

    monkeypatch.setattr("stages.deploy.targets.device_sdk.run_packed", recording)
    monkeypatch.setattr(
        "stages.deploy.instruction_sets.emulator",
        lambda name: ("qemu",) if name == "x86-64" else (),
    )

    package = deployable.deploy(emulated_samples=3)

    assert ("x86-64", ("qemu",)) in calls
    assert statements_of(package, deployable)["x86-64"]["statement"] == EMULATED


ELSEWHERE = DeployConfig(emulated_samples=6, instruction_sets=("x86-64",))


@WITHOUT_VNNI
@pytest.mark.skipif(HERE != "x86-64-vnni", reason="qemu shows x86-64 to programs of x86-64 alone")
def test_a_missing_emulator_is_told_before_anything_is_done(monkeypatch, tmp_path):
    monkeypatch.setattr("shutil.which", lambda name: None)
    yaml = "name: some\ntask: image_classification\ndata: none\ndeploy: {emulated_samples: 6}\n"

    with pytest.raises(ConfigError, match="qemu-x86_64 is not installed") as caught:
        resolve(parse_pipeline(yaml), makers.settings(tmp_path))

    assert "apt install qemu-user" in caught.value.remedy


@pytest.mark.parametrize(
    "unneeded",
    [{"ladder": ("float16",)}, {"emulated_samples": 0}, {"instruction_sets": (HERE,)}],
    ids=str,
)
def test_an_emulator_that_nothing_needs_may_be_missing(monkeypatch, unneeded):
    monkeypatch.setattr("shutil.which", lambda name: None)

    check_emulators(ELSEWHERE.model_copy(update=unneeded))


TWO = {"second_numeric": "auto"}


@pytest.fixture(scope="module")
def two(deployable, tmp_path_factory):
    """A package with int8, and float16 for x86-64 without VNNI, where int8 saturates."""
    with pytest.MonkeyPatch.context() as patch:
        plant_careless(patch)
        package = deployable.deploy(**TWO)
    return package, unpack(package, deployable.store, tmp_path_factory.mktemp("two") / "two")


@WITHOUT_VNNI
def test_a_package_may_hold_a_second_format_for_where_the_first_fails(deployable, two):
    package, folder = two

    first, second = package.rungs
    assert (first["kept"], second["kept"], package.numeric) == (True, True, "int8")
    assert second["why"] == "agrees with the trained model; for x86-64"
    statements = statements_of(package, deployable)
    assert {name: found["numeric"] for name, found in statements.items()} == {
        **dict.fromkeys(INSTRUCTION_SETS, "int8"),
        X86: "float16",
    }
    assert all(found["statement"] for found in statements.values())
    readme, page = ((folder / name).read_text() for name in ("README.md", "report.html"))
    assert "- x86-64: runs float16; computed" in readme
    assert "int8 and float16" in page


@WITHOUT_VNNI
@pytest.mark.parametrize("name", [*INSTRUCTION_SETS, "riscv64"])
def test_the_runtime_chooses_the_format_that_was_verified_for_the_processor(two, name):
    folder = two[1]

    expected = "float16" if name in (X86, "riscv64") else "int8"
    chosen = for_processor(description_of(folder), name)
    with Predictor.open(folder, on=name) as predictor:
        assert predictor.description["numeric"] == chosen["numeric"] == expected
        assert len(predictor.predict(makers.picture("square", 999), top=0)["labels"]) == 3


@WITHOUT_VNNI
def test_the_selftest_tests_the_format_that_runs_there_with_samples_of_its_own(two):
    folder = two[1]

    here, there = selftest(folder), selftest(folder, X86)

    assert (here.numeric, there.numeric) == ("int8", "float16")
    assert there.tolerance < here.tolerance
    assert there.near == there.near_agreeing


@WITHOUT_VNNI
def test_a_second_network_that_was_changed_is_found(two, tmp_path):
    folder = shutil.copytree(two[1], tmp_path / "changed")
    network = folder / "float16" / "model.onnx"
    network.write_bytes(network.read_bytes()[:-1] + b"\0")

    with pytest.raises(Damaged, match=r"float16/model\.onnx"):
        Predictor.open(folder)


@pytest.mark.slow
@WITHOUT_VNNI
def test_a_target_that_is_opened_by_other_programs_holds_one_format(deployable, careless):
    work = {"ladder": ("int8", "float32"), "engine": "onnxruntime"}

    package = deployable.deploy("microcontroller", **work, **TWO)

    assert [rung["kept"] for rung in package.rungs] == [False, True]


def test_nothing_changes_where_the_first_format_is_verified_everywhere(deployable, package):
    assert deployable.deploy(**TWO) == package


EMULATED_PROCESSORS = [(haswell, "x86-64, as float16"), (cortex_a72, "arm64, as int8")]


@pytest.mark.slow
@WITHOUT_VNNI
@pytest.mark.parametrize(("processor", "runs"), EMULATED_PROCESSORS, ids=["haswell", "cortex_a72"])
def test_an_emulated_processor_runs_the_format_that_was_verified_for_it(two, processor, runs):
    if (emulated := processor()) is None:
        pytest.skip("no emulator here, or no arm64 interpreter: python -m tests.emulation FOLDER")

    command = emulated.command(two[1], "shapes_sdk", ["selftest"])
    done = subprocess.run(command, capture_output=True, text=True, timeout=900)

    assert done.returncode == 0, done.stderr
    assert f"Selftest passed on {runs}" in done.stdout
