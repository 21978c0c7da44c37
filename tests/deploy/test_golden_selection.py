"""Which samples of the test a package carries, and how small each is made."""

import io
import json

import numpy as np
import pytest
import soundfile

from stages.deploy.golden import (
    MOST_BYTES,
    TRIES,
    GoldenCandidate,
    GoldenSelector,
    _turns,
)
from stages.parts import COMPRESSORS, MODALITIES
from stages.runtime.answers import of as answers_kind
from stages.runtime.sounds import decode_sound
from tests.runtime.conftest import DESCRIPTION

TOLERANCE = COMPRESSORS["onnx/int8"].tolerance


class FirstSample:
    """Names one of 50 labels by a clip's first sample, and counts what it answers."""

    labels = tuple(f"label {number}" for number in range(50))
    description = {**DESCRIPTION, "labels": list(labels), "after": []}
    kind = answers_kind(description)

    def __init__(self) -> None:
        self.answered = 0

    def answers(self, samples):
        self.answered += len(samples)
        return [self.value(round((decode_sound(clip, 16000)[0] + 0.5) * 50)) for clip in samples]

    def value(self, label):
        scores = np.full(len(self.labels), 0.2 / len(self.labels))
        scores[label] += 0.8
        return scores.tolist()


def test_large_clips_of_many_labels_are_cut_so_that_every_label_has_one_and_few_are_looked_at():
    predictor, modality = FirstSample(), MODALITIES["sounds"]()
    labels, rng = range(len(predictor.labels)), np.random.default_rng(0)
    clips = [rng.uniform(-1, 1, 4 * 16000) for _ in labels]
    for label, clip in zip(labels, clips, strict=True):
        clip[0] = label / 50 - 0.5
    files = [wav(clip) for clip in clips]
    candidates = [
        GoldenCandidate(lambda label=label: files[label], predictor.value(label))
        for label in [*labels] * 100
    ]

    chosen = GoldenSelector(predictor, modality, TOLERANCE).chosen(candidates)

    assert predictor.answered <= 4 * len(labels)
    assert sum(map(len, chosen)) <= MOST_BYTES
    answered = [np.argmax(scores) for scores in predictor.answers(chosen)]
    assert sorted(answered) == list(labels)


def wav(clip):
    out = io.BytesIO()
    soundfile.write(out, clip, 16000, format="WAV", subtype="PCM_16")
    return out.getvalue()


class Scores:
    """A predictor whose samples are their own answers: JSON with a score of each label."""

    def __init__(self, labels: int = 3) -> None:
        self.labels = tuple("abcdefgh"[:labels])
        self.description = {**DESCRIPTION, "labels": list(self.labels), "after": []}
        self.kind = answers_kind(self.description)

    def answers(self, samples):
        return [json.loads(data) for data in samples]


class AsItIs:
    """A modality whose samples stay as they are when they are made small, up to a length."""

    def small(self, data: bytes, most_bytes: int = 10**6) -> bytes:
        return data if len(data) <= most_bytes else SMALLER.get(data, data)


SMALLER: dict[bytes, bytes] = {}  # samples that answer otherwise when they are made small


def candidate(*scores: float) -> GoldenCandidate:
    data = json.dumps(scores).encode()
    return GoldenCandidate(lambda: data, list(scores))


def choice(labels: int = 3) -> GoldenSelector:
    return GoldenSelector(Scores(labels), AsItIs(), TOLERANCE)


def named(chosen):
    return [json.loads(data) for data in chosen]


def test_the_nearest_sample_outside_the_tolerance_of_each_label_comes_first():
    far, near, inside = (0.9, 0.1, 0), (0.6, 0.4, 0), (0.52, 0.48, 0)
    samples = [candidate(*scores) for scores in (far, inside, near, (0, 0.8, 0.2), (0, 0.7, 0.3))]

    chosen = named(choice().chosen(samples, most=3))

    assert chosen == [[0.6, 0.4, 0], [0, 0.7, 0.3], [0.9, 0.1, 0]]
    assert [0.52, 0.48, 0] not in named(choice().chosen(samples))


def test_a_margin_equal_to_the_tolerance_is_outside_it():
    assert named(choice().chosen([candidate(0.75, 0.25, 0)])) == [[0.75, 0.25, 0]]
    exactly = GoldenSelector(Scores(), AsItIs(), 0.25)

    assert named(exactly.chosen([candidate(0.75, 0.25, 0)])) == [[0.75, 0.25, 0]]
    assert exactly.chosen([candidate(0.74, 0.26, 0)]) == []


def test_a_label_that_no_sample_names_has_those_with_its_highest_scores():
    samples = [candidate(0.8, 0.2, 0), candidate(0.6, 0.3, 0.1), candidate(0.7, 0.1, 0.2)]

    queue = choice()._queue(samples, 2)

    assert [each.value for each in queue] == [[0.7, 0.1, 0.2], [0.6, 0.3, 0.1]]
    many = [candidate(0.9 - k / 100, 0, k / 100) for k in range(9)]
    assert len(choice()._queue(many, 2)) == TRIES == 4


def test_of_samples_inside_the_tolerance_the_furthest_comes_first():
    samples = [candidate(0.51, 0.49, 0), candidate(0.54, 0.46, 0), candidate(0.53, 0.47, 0)]

    queue = choice()._queue(samples, 0)

    assert [each.value[0] for each in queue] == [0.54, 0.53, 0.51]


def test_a_sample_that_answers_otherwise_when_made_small_is_passed_over():
    whole, other = candidate(0.6, 0.4, 0), candidate(0.8, 0.2, 0)
    large = GoldenCandidate(lambda: whole.read() + b" " * 100, whole.value)

    try:
        SMALLER[large.read()] = json.dumps([0.2, 0.8, 0]).encode()  # another label
        assert named(choice().chosen([large, other], room=24 * 50)) == [[0.8, 0.2, 0]]
        SMALLER[large.read()] = json.dumps([0.51, 0.49, 0]).encode()  # too near
        assert named(choice().chosen([large, other], room=24 * 50)) == [[0.8, 0.2, 0]]
        SMALLER[large.read()] = json.dumps([0.7, 0.3, 0]).encode()
        assert named(choice().chosen([large, other], room=24 * 50)) == [
            [0.7, 0.3, 0],
            [0.8, 0.2, 0],
        ]
    finally:
        SMALLER.clear()


def test_what_is_left_of_the_room_is_shared_by_those_that_are_still_to_come():
    sizes = []

    class Noting(AsItIs):
        def small(self, data: bytes, most_bytes: int = 0) -> bytes:
            sizes.append(most_bytes)
            return data

    samples = [candidate(0.9, 0.1, 0), candidate(0, 0.9, 0.1), candidate(0.1, 0, 0.9)]
    size = len(samples[0].read())

    chosen = GoldenSelector(Scores(), Noting(), TOLERANCE).chosen(samples, most=3, room=300)

    assert len(chosen) == 3
    assert sizes == [100, (300 - size) // 2, 300 - 2 * size]


def test_a_sample_that_does_not_fit_ends_the_choice():
    samples = [candidate(0.9, 0.1, 0), candidate(0, 0.9, 0.1)]
    size = len(samples[0].read())

    assert len(choice().chosen(samples, room=2 * size)) == 2
    assert len(choice().chosen(samples, room=2 * size - 1)) == 1


@pytest.mark.parametrize(("labels", "usual"), [(3, 24), (24, 24), (40, 40), (300, 200)])
def test_as_many_are_chosen_as_is_usual(labels, usual):
    class Many(Scores):
        def __init__(self) -> None:
            super().__init__()
            self.labels = tuple(map(str, range(labels)))
            self.description = {**self.description, "labels": list(self.labels)}

    rows = np.full((max(90, labels), labels), 0.1 / labels)
    rows[np.arange(len(rows)), np.arange(len(rows)) % labels] = 0.9
    rows[:, 0] += np.arange(len(rows)) * 1e-7  # no two are equal
    samples = [candidate(*row.round(7).tolist()) for row in rows]

    assert len(GoldenSelector(Many(), AsItIs(), TOLERANCE).chosen(samples, room=10**8)) == usual


def test_labels_take_turns_until_tries_are_used_up():
    queues = {0: [1, 2, 3], 1: [], 2: [4]}
    taken = []

    for label in _turns(queues, most=10):
        taken.append((label, queues[label].pop(0)))

    assert taken == [(0, 1), (2, 4), (0, 2), (0, 3)]
    assert list(_turns({0: [], 1: []}, 5)) == []


def test_no_more_than_four_candidates_are_looked_at_for_each_that_is_wanted():
    queues = {0: list(range(50)), 1: list(range(50))}
    looked = 0

    for label in _turns(queues, most=3):
        queues[label].pop(0)
        looked += 1

    assert looked == TRIES * 3
