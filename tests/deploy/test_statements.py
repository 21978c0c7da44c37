"""What may be stated of a set of instructions, by what was counted, measured or emulated."""

from types import SimpleNamespace

import pytest

from stages.config import DeployConfig
from stages.deploy.instruction_sets import (
    COMPUTED,
    EMULATED,
    MEASURED,
    PackedCandidate,
    Statement,
    _emulated,
    _network_sums,
    _statement,
    _with_its_options,
    computed_statement,
    failures,
    spaced,
    verified,
)
from stages.deploy.packed import TimedAnswers
from stages.deploy.saturation.layers import NotCounted
from stages.deploy.saturation.network import LARGEST_SUM, LayerSums, NetworkSums
from stages.deploy.saturation.pair_sums import PairSums
from stages.evaluate.predictions import Predicted
from stages.metrics import proportion
from stages.runtime.backends.sums import Sums
from stages.runtime.errors import AgreementNotMet
from stages.tracking import QuietRun


@pytest.mark.parametrize(("count", "most"), [(0, 5), (1, 5), (5, 5), (7, 3), (1000, 64)])
def test_samples_are_spread_over_the_test_split(count, most):
    rows = spaced(count, most)

    assert len(rows) == min(count, most)
    assert rows == sorted(set(rows))
    assert rows[:1] == [0][:count]
    assert rows[-1:] == [count - 1][:count]


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
    outcome = computed_statement("arm64", sums, found, "photo")

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
    assert pairs == computed_statement("arm64", Sums.INT32, counted(), "photo")


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
