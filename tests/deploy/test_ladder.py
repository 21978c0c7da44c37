"""Which number format is worth packing, what is said of each, and how long each took."""

from types import SimpleNamespace

import numpy as np
import pytest

from stages.deploy import ladder
from stages.deploy.compressors import CannotCompress
from stages.deploy.gate import Gated, check_gate, not_met
from stages.deploy.ladder import Candidate, _not_smaller
from stages.deploy.packed import TimedAnswers
from stages.deploy.page import MetricRow, _named, _rows
from stages.deploy.timing import _latency, timed
from stages.metrics import proportion
from stages.runtime.errors import GateNotMet


class Sizes:
    """A bench whose networks have these sizes; None: it cannot be made."""

    def __init__(self, **sizes):
        self.sizes = sizes

    def compressed(self, numeric):
        if self.sizes[numeric] is None:
            raise CannotCompress("There is no way.")
        return {"a": bytes(self.sizes[numeric] - 1), "b": b"1"}


@pytest.mark.parametrize(
    ("size", "below", "why"),
    [
        (9, ["float16"], ""),
        (10, ["float16"], "not smaller than float16 (10 and 10 bytes)"),
        (15, ["float16", "float32"], "not smaller than float16 (15 and 10 bytes)"),
        (15, ["float32"], ""),
        (25, ["none", "float32"], "not smaller than float32 (25 and 20 bytes)"),
        (15, ["none", "float32"], ""),
        (99, ["none"], ""),
        (99, [], ""),
    ],
)
def test_a_format_has_to_be_smaller_than_the_next_that_can_be_made(size, below, why):
    work = Sizes(float16=10, float32=20, none=None)

    assert _not_smaller(work, size, below) == why


def packed(verdict="ship", missed=(), disagreements=(), sets=()) -> ladder.Tested:
    agreement = SimpleNamespace(
        failures=disagreements, same=proportion(9, 10), record=lambda: {"same": 0.9}
    )
    measured = SimpleNamespace(overall={"accuracy": proportion(8, 10)}, labels={})
    gated = Gated(verdict, (), tuple(missed))
    sure = SimpleNamespace(record={"least": 0.5})
    answers = TimedAnswers([], np.array([0.001, 0.002, 0.003, 0.004, 0.1]), 0.25)
    return ladder.Tested("int8", None, {}, answers, measured, agreement, gated, sure, sets)


@pytest.mark.parametrize(
    ("packed_form", "misses"),
    [
        (packed(missed=["accuracy is low"]), True),
        (packed(missed=["accuracy is low"], disagreements=["far off"]), False),
        (packed(), False),
        (None, False),
    ],
)
def test_a_gate_is_missed_only_by_what_agrees(packed_form, misses):
    assert Candidate("int8", False, "why", tested=packed_form).misses_gate is misses


@pytest.mark.parametrize(
    ("gated", "verdict"),
    [("ship", "ship"), ("undecided", "undecided"), ("do not ship", "undecided")],
)
def test_what_is_shipped_misses_no_gate(gated, verdict):
    assert packed(verdict=gated).verdict == verdict


def test_a_record_tells_all_but_times():
    statement = SimpleNamespace(instruction_set="arm64", record={"statement": "computed"})
    facts = {"numeric": "int8", "kept": True, "why": "agrees", "network_bytes": 12}

    untested = Candidate("int8", False, "cannot", None).record
    without = Candidate("int8", True, "agrees", 12, packed()).record
    with_sets = Candidate("int8", True, "agrees", 12, packed(sets=[statement])).record

    assert untested == {"numeric": "int8", "kept": False, "why": "cannot", "network_bytes": None}
    assert without == facts | {
        "verdict": "ship",
        "overall": {"accuracy": proportion(8, 10).model_dump()},
        "sure": {"least": 0.5},
        "same": 0.9,
    }
    assert with_sets == without | {"instruction_sets": {"arm64": {"statement": "computed"}}}


def test_times_are_told_in_milliseconds():
    assert _latency(packed().answers) == {
        "median_ms": pytest.approx(3),
        "p95_ms": pytest.approx(4 + 0.8 * 96),  # four fifths from the fourth of five to the last
        "load_ms": 250,
        "n": 5,
    }


def test_what_was_tested_in_float32_is_not_timed_again():
    candidates = [
        Candidate("int8", False, "stopped"),
        Candidate("float32", True, "so", 9, packed()),
    ]

    times = timed(None, SimpleNamespace(candidates=candidates))

    assert times == {"float32": _latency(packed().answers)}


def test_float32_is_timed_on_samples_from_the_whole_test_beside_what_was_packed():
    answered = []

    class Target:
        def files(self, content):
            return {"package.json": content}

        def answers(self, folder, content, samples):
            answered.extend(samples)
            assert sorted(path.name for path in folder.iterdir()) == ["SHA256SUMS", "package.json"]
            return TimedAnswers([], np.array([0.5]), 1.0)

    work = SimpleNamespace(
        target=Target(),
        tested=list(range(1000)),
        store=SimpleNamespace(get=lambda digest: digest),
        exported=lambda: {},
        content=lambda numeric, network: numeric.encode(),
    )

    times = timed(work, SimpleNamespace(candidates=[Candidate("int8", True, "so", 9, packed())]))

    assert list(times) == ["int8", "float32"]
    assert times["float32"]["median_ms"] == 500
    assert (len(answered), answered[0], answered[-1]) == (32, 0, 999)
    assert np.diff(answered).min() >= 999 // 31


def report(verdict, **measured):
    return SimpleNamespace(
        verdict=verdict,
        gate={"accuracy": 0.9, "recall of cat": 0.5},
        overall={"accuracy": proportion(8, 10)},
        reasons=("Accuracy is 80 % (49 to 94.3 %): below the gate of 90 %.",),
    )


def test_nothing_is_packed_against_a_report_and_its_numbers_are_told_once():
    check_gate(report("ship"))
    check_gate(report("undecided"))

    with pytest.raises(GateNotMet) as caught:
        check_gate(report("do not ship"))

    assert caught.value.problem == (
        "Not deployed, the report says: do not ship. "
        "Accuracy is 80 % (49 to 94.3 %): below the gate of 90 %."
    )


def test_each_format_is_named_with_its_reason_if_none_reaches_the_gate():
    problem = not_met({"int8": "far off", "float16": "too low"}).problem

    assert problem.endswith("no packed form of it is. int8: far off; float16: too low.")


def test_the_page_compares_metrics_with_the_largest_drop_first():
    drops = {"accuracy": proportion(1, 10), "recall of cat": proportion(4, 10)}
    measured = SimpleNamespace(
        overall={"accuracy": proportion(8, 10)}, labels={"cat": {"recall": proportion(1, 4)}}
    )
    work = SimpleNamespace(
        report=SimpleNamespace(overall={"accuracy": proportion(9, 10)}, labels_measured={}),
        kind=SimpleNamespace(headline=("accuracy", "macro_f1")),
    )
    best = SimpleNamespace(measured=measured, agreement=SimpleNamespace(drops=drops))

    rows = _rows(work, best)

    assert rows == [
        MetricRow("recall of cat", None, proportion(1, 4), proportion(4, 10)),
        MetricRow("accuracy", proportion(9, 10), proportion(8, 10), proportion(1, 10)),
        MetricRow("macro_f1", None, None, None),
    ]
    assert _named(measured.overall, measured.labels) == {
        "accuracy": proportion(8, 10),
        "recall of cat": proportion(1, 4),
    }
