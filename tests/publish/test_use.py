"""What is kept of use: nothing without a person's word, never more than the caps, and the random
share as it came."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from stages.publish.collected import (
    MOST_REPORTS,
    RANDOM,
    REFUSED,
    REPORTED,
    CollectedInputs,
    NotCollected,
    split_of,
)
from stages.publish.collecting import AnsweredInput, Collector, reason_of
from stages.publish.drift import weeks_of_use
from stages.publish.use_policy import UsePolicy, policy_of, set_policy
from stages.runtime.errors import ConfigError, InfrastructureError
from tests.publish.conftest import PIPELINE, picture, saved_dataset

SURE, DOUBTFUL = (
    {"labels": [{"label": "red", "score": 0.9}], "sure": sure} for sure in (True, False)
)


class Counter(dict):
    """Counts as Prometheus' counters do."""

    def labels(self, *names):
        self._names = names
        return self

    def inc(self):
        self[self._names] = self.get(self._names, 0) + 1


@pytest.fixture
def inputs(settings):
    return CollectedInputs(PIPELINE, settings)


def allow(settings, **values):
    set_policy(PIPELINE, UsePolicy.of(values), settings)


def test_nothing_is_kept_unless_somebody_allows_it(settings, inputs):
    collector = Collector(settings, Counter())

    assert not collector.wants(PIPELINE)
    assert reason_of(DOUBTFUL, "", policy_of(PIPELINE, settings), "0" * 64) == ""
    with pytest.raises(NotCollected, match="keeps no reports"):
        inputs.report(b"x", "red", "p", "blue", "1.2.3.4")


@pytest.mark.parametrize("share", [0.2, 1.0])
def test_the_random_share_does_not_look_at_the_answer(settings, share):
    allow(settings, random=share, doubtful=1.0)
    policy = policy_of(PIPELINE, settings)
    digests = [f"{number:064x}" for number in range(4000)]

    of_sure, of_doubtful = (
        [reason_of(answer, "", policy, digest) for digest in digests] for answer in (SURE, DOUBTFUL)
    )

    drawn = [place for place, reason in enumerate(of_sure) if reason == RANDOM]
    assert drawn == [place for place, reason in enumerate(of_doubtful) if reason == RANDOM]
    assert abs(len(drawn) / 4000 - share) < 0.03
    assert set(of_sure) <= {RANDOM, ""}


def test_only_half_of_the_random_share_enters_the_test(settings, inputs):
    allow(settings, random=1.0, reports=True, most_inputs=500)
    for number in range(80):
        inputs.keep(b"r%d" % number, RANDOM, "p", "red", 0.9)
        inputs.keep(b"d%d" % number, "doubtful", "p", "red", 0.4)

    splits = {reason: [split_of(each) for each in inputs.all() if each.reason == reason]
              for reason in (RANDOM, "doubtful")}  # fmt: skip

    assert set(splits["doubtful"]) == {"train"}
    assert 25 < splits[RANDOM].count("test") < 55


def test_others_cannot_push_the_random_share_out(settings, inputs):
    allow(settings, random=0.5, doubtful=1.0, most_inputs=10)
    for number in range(5):
        inputs.keep(b"d%d" % number, "doubtful", "p", "red", 0.4)

    with pytest.raises(NotCollected, match="as many inputs"):
        inputs.keep(b"d5", "doubtful", "p", "red", 0.4)
    for number in range(5):
        inputs.keep(b"r%d" % number, RANDOM, "p", "red", 0.9)
    with pytest.raises(NotCollected):
        inputs.keep(b"r5", RANDOM, "p", "red", 0.9)
    assert len(list(inputs.files.iterdir())) == 10


def test_the_cap_on_bytes_holds(settings, inputs):
    allow(settings, random=1.0, most_megabytes=1)
    inputs.keep(bytes(600_000), RANDOM, "p", "red", 0.9)

    with pytest.raises(NotCollected):
        inputs.keep(b"1" * 600_000, RANDOM, "p", "red", 0.9)


def test_the_same_input_twice_is_kept_once(settings, inputs):
    allow(settings, random=1.0)
    for _ in range(2):
        inputs.keep(b"x", RANDOM, "p", "red", 0.9)

    assert len(inputs.all()) == 1


def test_one_person_who_reports_a_thousand_times_is_bounded(settings, inputs):
    allow(settings, reports=True)
    refused = 0
    for number in range(MOST_REPORTS + 30):
        try:
            inputs.report(b"w%d" % number, "red", "p", "blue", "1.2.3.4")
        except NotCollected as error:
            refused += error.why == "reports"
    inputs.report(b"other", "red", "p", "blue", "5.6.7.8")

    assert refused == 30
    assert len(inputs.all()) == MOST_REPORTS + 1
    assert b"1.2.3.4" not in (inputs.files.parent / "inputs.jsonl").read_bytes()


def test_a_report_on_what_was_drawn_at_random_leaves_it_in_the_random_share(settings, inputs):
    allow(settings, random=1.0, reports=True)
    inputs.keep(b"x", RANDOM, "p", "blue", 0.9)
    inputs.report(b"x", "red", "p", "blue", "a")
    inputs.report(b"y", "red", "p", "blue", "a")
    allow(settings, random=0.0, reports=True)
    inputs.report(b"z", "red", "p", "blue", "a")

    assert [(each.reason, each.reported) for each in inputs.all()] == [
        (RANDOM, "red"), (RANDOM, "red"), (REPORTED, "red"),
    ]  # fmt: skip


def test_a_decision_is_made_once_and_a_refused_input_is_removed(settings, inputs):
    allow(settings, random=1.0)
    inputs.keep(b"x", RANDOM, "p", "red", 0.9)
    digest = inputs.all()[0].digest

    inputs.refuse(digest)

    assert inputs.all()[0].state == REFUSED
    assert not inputs.path(digest).exists()
    with pytest.raises(ConfigError, match="has decided"):
        inputs.accept(digest, "red")


def test_what_nobody_reviewed_expires_and_a_clock_put_back_removes_nothing(settings):
    allow(settings, random=1.0, days=30)
    today = datetime(2026, 11, 30, tzinfo=UTC)

    def at(days):
        return CollectedInputs(PIPELINE, settings, lambda: today + timedelta(days=days))

    at(0).keep(b"old", RANDOM, "p", "red", 0.9)
    at(-4000).keep(b"while the clock was wrong", RANDOM, "p", "red", 0.9)

    assert at(-4000).expire() == 0
    assert at(29).expire() == 0
    assert at(31).expire() == 2
    assert list(at(31).files.iterdir()) == []
    assert [each.when[:10] for each in at(0).all()] == ["2026-11-30"] * 2


def test_a_full_disk_drops_the_input_and_counts_it(settings, monkeypatch):
    allow(settings, random=1.0)
    counter = Counter()
    collector = Collector(settings, counter)
    collector.start()

    def full(path, data):
        raise InfrastructureError("Cannot write: No space left on device.", "")

    monkeypatch.setattr("stages.publish.collected._write", full)
    answer = b'{"labels": [{"label": "red", "score": 0.9}], "sure": true}'
    collector.offer(AnsweredInput(PIPELINE, b"x", answer, "p", ""))
    collector.stop()

    assert counter == {(PIPELINE, "disk"): 1}
    assert CollectedInputs(PIPELINE, settings).all() == []


def test_inputs_that_are_kept_and_those_that_are_not_are_counted(settings):
    allow(settings, random=1.0, most_inputs=2)
    counter = Counter()
    collector = Collector(settings, counter)
    collector.start()
    answer = b'{"labels": [{"label": "red", "score": 0.9}], "sure": true}'
    for number in range(3):
        collector.offer(AnsweredInput(PIPELINE, b"x%d" % number, answer, "p", ""))
    collector.offer(AnsweredInput(PIPELINE, b"form", b'{"predictions": []}', "p", ""))
    collector.stop()

    assert counter == {(PIPELINE, "kept"): 2, (PIPELINE, "cap"): 1}


def test_an_input_of_a_detector_is_kept_with_its_boxes(settings, inputs):
    allow(settings, doubtful=1.0)
    collector = Collector(settings, Counter())
    collector.start()
    box = {"label": "red", "score": 0.6, "sure": False, "box": [1.04, 2, 30, 40]}
    answer = json.dumps({"boxes": [box] * 200}).encode()
    collector.offer(AnsweredInput(PIPELINE, b"x", answer, "p", ""))
    collector.stop()

    (found,) = inputs.all()
    assert (found.answer, found.score) == ("red", 0.6)
    assert found.answered == [["red", 1.0, 2.0, 30.0, 40.0]] * 100


def test_a_shift_of_the_inputs_is_found_in_its_week(settings, packed):
    data = saved_dataset(settings, range(40))
    package = packed("right", data).ref.id
    allow(settings, random=1.0)
    monday = datetime(2026, 11, 2, tzinfo=UTC)

    def use(week, darker):
        inputs = CollectedInputs(PIPELINE, settings, lambda: monday + timedelta(weeks=week))
        for seed in range(10):
            for colour in ("red", "green", "blue"):
                inputs.keep(picture(colour, 1000 * (week + 1) + seed, darker), RANDOM, "p", "", 0.0)

    use(0, 0)
    use(1, 60)

    weeks = weeks_of_use(PIPELINE, package, settings)

    assert [(week.week, week.inputs, week.differs) for week in weeks] == [
        ("2026-W45", 30, False), ("2026-W46", 30, True),
    ]  # fmt: skip
