"""A package says what holds for it on each kind of processor; it runs where something does."""

import json
import shutil
import subprocess
import sys
from types import SimpleNamespace
from typing import get_args

import pytest

from stages.config import DeployConfig, parse_pipeline
from stages.deploy.emulation import check_emulators, emulator
from stages.deploy.instruction_sets import (
    COMPUTED,
    EMULATED,
    MEASURED,
    PackedCandidate,
    Statement,
    _computed,
    _emulated,
    _network_sums,
    _statement,
    _with_its_options,
    failures,
    spaced,
    verified,
)
from stages.deploy.pack import unpack
from stages.deploy.packed import TimedAnswers, run_packed
from stages.deploy.saturation.layers import NotCounted
from stages.deploy.saturation.network import LARGEST_SUM, LayerSums, NetworkSums
from stages.deploy.saturation.pair_sums import PairSums
from stages.evaluate.predictions import Predicted
from stages.metrics import proportion
from stages.runner.resolve import resolve
from stages.runtime.backends.onnxruntime import OnnxRuntime
from stages.runtime.backends.sums import Sums
from stages.runtime.errors import AgreementNotMet, ConfigError, UntestedProcessor
from stages.runtime.predictor import Predictor
from stages.runtime.processor import INSTRUCTION_SETS, X86, InstructionSet, instruction_set
from stages.runtime.sealed import SEAL, seal
from stages.runtime.verified import FILE
from stages.tracking import QuietRun
from tests import makers

HERE = instruction_set()
OTHER_SETS = [name for name in INSTRUCTION_SETS if name != HERE]
WITHOUT_VNNI = pytest.mark.skipif(HERE == "x86-64", reason="this processor is measured itself")


@pytest.fixture
def careless(monkeypatch):
    """A backend that does not set its option on x86-64 without VNNI: its pair sums saturate."""
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


@pytest.mark.parametrize(("count", "most"), [(0, 5), (1, 5), (5, 5), (7, 3), (1000, 64)])
def test_samples_are_spread_over_the_test_split(count, most):
    rows = spaced(count, most)

    assert len(rows) == min(count, most)
    assert rows == sorted(set(rows))
    assert rows[:1] == [0][:count]
    assert rows[-1:] == [count - 1][:count]


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


def counted(saturated=0, lowest=-127, bound=2**21) -> NetworkSums:
    """What was counted of two layers on 7 samples: 150 pair sums."""
    first = LayerSums("first", PairSums(100, 0, 0), 5 * 255, -3)
    return NetworkSums(
        7, 9, (first, LayerSums("second", PairSums(50, saturated, 9), bound, lowest))
    )


@pytest.mark.parametrize(
    ("sums", "found", "statement", "text"),
    [
        (Sums.INT32, counted(saturated=4), COMPUTED, "in 16 bits, 4 of 150 pair sums of 2 layers"),
        (Sums.INT32, counted(), COMPUTED, "no input makes a sum beyond 0.1 % of what"),
        (Sums.SIGNED_PAIRS, counted(saturated=4), COMPUTED, "products that fit into 16 bits"),
        (Sums.SIGNED_PAIRS, counted(lowest=-128), "", "products that may not fit into 16 bits"),
        (Sums.SATURATING_PAIRS, counted(), COMPUTED, "none of 150 pair sums of 2 layers of 8 bits"),
        (Sums.SATURATING_PAIRS, counted(saturated=1), "", "1 of 150 pair sums of 2 layers of 8"),
        (Sums.SATURATING_PAIRS, counted(saturated=1), "", "saturate, in 1 layer, on 7 test photos"),
        (Sums.INT32, counted(bound=LARGEST_SUM), COMPUTED, "beyond 100 % of what 32 bits"),
        (Sums.INT32, counted(bound=LARGEST_SUM + 1), "", "may not fit into 32 bits"),
        (Sums.SIGNED_PAIRS, counted(bound=LARGEST_SUM + 1), "", "may not fit into 32 bits"),
    ],
)
def test_what_is_computed_depends_on_how_sums_are_added_there(sums, found, statement, text):
    outcome = _computed("arm64", sums, found, "photo")

    assert (outcome.instruction_set, outcome.statement, outcome.sums) == ("arm64", statement, sums)
    assert text in outcome.basis
    assert outcome.figures == found.figures


def test_the_figures_of_a_network_are_those_of_its_layers():
    found = counted(saturated=4, bound=LARGEST_SUM // 2)

    assert found.figures == {
        "samples": 7,
        "windows": 9,
        "layers": 2,
        "pair_sums": 150,
        "beyond_16_bits": 4,
        "layers_beyond_16_bits": ["second"],
        "share_of_32_bits": pytest.approx(0.5),
    }
    assert LARGEST_SUM == 2**31 - 1
    assert NetworkSums(0, 0, ()).share_of_32_bits == 0


def test_every_set_without_a_statement_is_a_failure():
    computed, empty = Statement("arm64", COMPUTED, "so"), Statement("x86-64", "", "some saturate")

    assert failures([computed]) == []
    assert failures([computed, empty]) == ["not verified for x86-64 processors: some saturate"]


def test_other_sets_are_known_where_all_sums_are_floats():
    floats = [Statement(name, MEASURED, "so", Sums.FLOAT) for name in ("arm64", "x86-64")]
    mixed = [floats[0], Statement("x86-64", COMPUTED, "so", Sums.INT32)]

    record = verified("float16", floats)

    assert record["numeric"] == "float16"
    assert record["others"]["sums"] == Sums.FLOAT
    assert list(record["instruction_sets"]) == ["arm64", "x86-64"]
    assert verified("int8", mixed)["others"] is None


def test_a_record_has_an_agreement_only_where_something_was_measured():
    same = proportion(9, 10)
    figures = {"samples": 10}

    with_it = Statement("arm64", MEASURED, "so", Sums.INT32, same, figures).record
    without_it = Statement("arm64", COMPUTED, "so").record

    assert with_it == {
        "statement": MEASURED,
        "basis": "so",
        "sums": Sums.INT32,
        "agreement": same.model_dump(),
        "samples": 10,
    }
    assert without_it == {"statement": COMPUTED, "basis": "so", "sums": ""}


class Bench:
    """A bench that notes on how many samples sums are counted; `result` is what comes back."""

    def __init__(self, count, result=None):
        self.tested = [f"sample {number}" for number in range(count)]
        self.result, self.digests = result, None

    def network_sums(self, network, digests):
        self.digests = digests
        if self.result is None:
            raise NotCounted("Something is strange.")
        return self.result


@pytest.mark.parametrize(
    ("kinds", "count"),
    [
        ([Sums.SATURATING_PAIRS, Sums.FLOAT], 1000),
        ([Sums.INT32, Sums.SATURATING_PAIRS], 1000),
        ([Sums.INT32, Sums.FLOAT], 400),
        ([Sums.SIGNED_PAIRS], 400),
    ],
)
def test_all_samples_are_counted_where_that_decides(kinds, count):
    work = Bench(1000, counted())
    candidate = PackedCandidate("int8", {}, None, {}, None, None)

    found = _network_sums(work, candidate, dict(enumerate(kinds)))

    assert found == counted()
    assert len(work.digests) == count
    assert (work.digests[0], work.digests[-1]) == ("sample 0", "sample 999")


def test_sums_of_floats_are_not_counted_and_unknown_ones_say_why():
    work, candidate = Bench(5), PackedCandidate("int8", {}, None, {}, None, None)

    assert _network_sums(work, candidate, {"arm64": Sums.FLOAT}) == NetworkSums(0, 0, ())
    assert work.digests is None
    assert _network_sums(work, candidate, {"arm64": Sums.INT32}) == "Something is strange."


def test_a_set_of_which_nothing_is_measured_has_what_can_be_computed():
    work = SimpleNamespace(
        config=SimpleNamespace(deploy=DeployConfig(emulated_samples=0)),
        modality=SimpleNamespace(noun="photo"),
    )
    candidate, reason = PackedCandidate("int8", {}, None, {}, None, None), "Something is strange."

    unknown = _statement(work, candidate, "arm64", Sums.INT32, reason)
    floats = _statement(work, candidate, "arm64", Sums.FLOAT, reason)
    pairs = _statement(work, candidate, "arm64", Sums.INT32, counted())

    assert unknown == Statement("arm64", "", reason, Sums.INT32)
    assert (floats.statement, floats.sums) == (COMPUTED, Sums.FLOAT)
    assert "floating point" in floats.basis
    assert pairs == _computed("arm64", Sums.INT32, counted(), "photo")


class Answering:
    """A bench and its target: the packed folder gives `answers`, or fails if there are none."""

    trained = Predicted(
        labels=("a", "b"),
        names=tuple("uvwxyz"),
        files=tuple("uvwxyz"),
        truth=[0, 1, 0, 1, 0, 1],
        answers=[0, 1, 0, 1, 0, 0],
    )
    tested = [f"sample {number}" for number in range(6)]
    run = QuietRun()
    modality = SimpleNamespace(noun="photo")
    model = SimpleNamespace(labels=("a", "b"))
    report = SimpleNamespace(threshold=0.5)
    config = SimpleNamespace(deploy=DeployConfig(emulated_samples=3, max_drop=0.125))
    store = SimpleNamespace(get=lambda digest: digest.encode())

    def __init__(self, *answers):
        self.kind = self.target = self
        self.to_give, self.request, self.compared = list(answers), None, []

    def compressor(self, numeric):
        return SimpleNamespace(least_agreement={"int8": 0.75}[numeric])

    def answers(self, folder, content, samples, progress, *, on, through):
        self.request = list(samples), on, tuple(through), sorted(p.name for p in folder.iterdir())
        if not self.to_give:
            raise AgreementNotMet("It does not start.", "Mend it.")
        return TimedAnswers(self.to_give, None, 0.0)

    def agreement(self, before, after, labels, *, threshold, max_drop, least):
        assert (labels, threshold, max_drop, least) == (("a", "b"), 0.5, 0.125, 0.75)
        self.compared.append((before.names, before.files, before.truth, before.answers))
        same = sum(first == second for first, second in zip(before.answers, after, strict=True))
        failed = ["too many differ"] if same < len(after) - 1 else []
        return SimpleNamespace(same=proportion(same, len(after)), failures=failed)


def packed(answers):
    return PackedCandidate("int8", {}, None, {"f": b""}, TimedAnswers(answers, None, 0.0), None)


FOUND = Statement("x86-64", COMPUTED, "none saturates", Sums.INT32)


def test_the_options_of_another_set_are_tried_on_this_machine():
    work = Answering(1, 1, 0, 1, 0, 1)

    found = _with_its_options(work, packed([1, 1, 0, 1, 0, 0]), FOUND)

    samples, on, through, files = work.request
    assert samples == [f"sample {number}".encode() for number in range(6)]
    assert (on, through, files) == ("x86-64", (), ["SHA256SUMS", "f"])
    assert (found.statement, found.sums, found.agreement) == (
        COMPUTED,
        Sums.INT32,
        proportion(5, 6),
    )
    assert found.basis.startswith("none saturates; with these options this machine gives the same")
    assert found.basis.endswith("tried on 6 test photos")


def test_a_folder_that_fails_with_these_options_has_no_statement():
    found = _with_its_options(Answering(), packed([0] * 6), FOUND)

    assert (found.statement, found.basis) == ("", "with its options, It does not start.")


def test_under_emulation_some_samples_are_held_against_here_and_the_trained_model():
    work = Answering(0, 1, 1)

    found = _emulated(work, packed([0, 1, 0, 0, 0, 1]), "x86-64", Sums.INT32, ("qemu", "-x"))

    samples, on, through, _ = work.request
    assert samples == [b"sample 0", b"sample 2", b"sample 5"]
    assert (on, through) == ("x86-64", ("qemu", "-x"))
    assert work.compared == [
        (("u", "w", "z"), ("u", "w", "z"), [0, 0, 1], [0, 0, 1]),  # what was answered here
        (("u", "w", "z"), ("u", "w", "z"), [0, 0, 1], [0, 0, 0]),  # by the trained model
    ]
    assert (found.agreement, found.figures) == (proportion(2, 3), {"samples": 3})
    assert (found.statement, found.sums) == ("", Sums.INT32)
    assert found.basis.endswith("; too many differ")
    assert "3 test photos, answered by the packed folder under qemu -x" in found.basis


def test_what_agrees_under_emulation_was_measured_there():
    found = _emulated(Answering(0, 0, 0), packed([0] * 6), "x86-64", Sums.INT32, ("qemu",))

    assert (found.statement, found.agreement) == (EMULATED, proportion(3, 3))
    failed = _emulated(Answering(), packed([0] * 6), "x86-64", Sums.INT32, ("qemu",))
    assert (failed.statement, failed.basis) == ("", "under qemu, It does not start.")
