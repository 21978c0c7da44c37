"""What a network's outputs become: labels, windows of a sound, boxes."""

import io

import numpy as np
import pytest
from PIL import Image

from stages.runtime.answers import KINDS, furthest
from stages.runtime.answers.sure import Sure
from stages.runtime.errors import BadSample, ConfigError, InfrastructureError
from stages.runtime.predictor import Predictor
from tests.runtime.networks import scene, tune
from tests.runtime.painting import turned

RED, BLUE, SPOT = (255, 0, 0), (0, 0, 255), (32, 16, 64, 32)
LABELS = ["a", "b", "c"]
VALUES = {
    "labels": [0.25, 0.5, 0.25],
    "boxes": [[1.0, 2.5, 30.25, 40.0, 0.9, 2], [0.0, 0.0, 5.0, 5.0, 0.1, 0]],
    "classified_boxes": [
        [1.0, 2.5, 30.25, 40.0, 0.72, 2, 0.9, "thing", 0.8, True],
        [0.0, 0.0, 5.0, 5.0, 0.1, 0, 0.1, "other thing", None, None],
    ],
}


@pytest.fixture
def seeing(spots):
    return Predictor.open(spots)


@pytest.fixture
def hearing(tones):
    return Predictor.open(tones)


def test_a_spot_is_found_in_pixels_of_the_picture_that_was_given(seeing):
    answer = seeing.predict(scene((RED, SPOT), (BLUE, (96, 0, 128, 16))))

    score = pytest.approx(1 / (1 + np.exp(-6)), abs=1e-3)  # the filter blurs edges
    assert answer["boxes"] == [
        {"label": "blue", "score": score, "sure": None, "box": [96, 0, 128, 16]},
        {"label": "red", "score": score, "sure": None, "box": [32, 16, 64, 32]},
    ]


def test_boxes_are_those_of_the_picture_once_it_is_turned_upright(seeing):
    answer = seeing.predict(turned())  # 32 wide and 64 high, its upper half dark red

    boxes = np.array([box["box"] for box in answer["boxes"]])
    assert len(boxes) == 8
    assert boxes[:, [2, 3]].max(axis=0).tolist() == [32, 32]


def test_the_packages_threshold_holds_unless_another_is_asked_for(seeing):
    faint = scene(((190, 0, 0), SPOT), (RED, (0, 0, 32, 16)))

    assert len(seeing.predict(faint)["boxes"]) == 2
    assert len(seeing.predict(faint, threshold=0.99)["boxes"]) == 1
    assert len(seeing.predict(faint, threshold=0)["boxes"]) == 2
    assert len(seeing.predict(faint, top=1)["boxes"]) == 1
    assert seeing.predict(scene())["boxes"] == []


def test_batches_of_pictures_are_answered_as_one_by_one(seeing):
    pictures = [scene((RED, SPOT)), scene(), scene((BLUE, SPOT), size=(64, 64))]

    assert seeing.answers(pictures, batch=2) == [
        seeing.answers([picture])[0] for picture in pictures
    ]


def test_a_sounds_windows_are_told_apart_and_its_scores_are_of_their_mean(hearing):
    answer = hearing.predict(tune(300, 3000))

    assert [window["label"] for window in answer["windows"]] == ["low", "low", "high", "high"]
    assert [(window["start"], window["end"]) for window in answer["windows"]][:2] == [
        (0, 0.5),
        (0.5, 1),
    ]
    alone = [hearing.predict(tune(pitch))["labels"][0] for pitch in (300, 3000)]
    assert [label["label"] for label in alone] == ["low", "high"]
    assert answer["labels"][0]["score"] < min(label["score"] for label in alone)
    assert hearing.kind.line(answer).count(" s ") == 2  # neighbours with one label are one stretch


def test_sounds_of_different_lengths_share_a_batch(hearing):
    sounds = [tune(300), tune(3000, 300, 3000), tune(3000, seconds=0.2)]

    values = hearing.answers(sounds, batch=3)

    for value, sound in zip(values, sounds, strict=True):
        assert value == pytest.approx(hearing.answers([sound])[0], abs=1e-5)
    assert np.argmax(values, axis=1).tolist() == [0, 1, 1]


def test_a_text_named_wav_is_no_sound(hearing):
    with pytest.raises(BadSample, match="not a sound of a known format"):
        hearing.predict(b"This is a text, whatever its name says.")


@pytest.mark.parametrize("name", list(KINDS))
def test_an_answer_that_left_nothing_out_gives_its_value_back(name):
    kind = KINDS[name]()

    answer = kind.named(VALUES[name], LABELS, 0, 0.0, {}, Sure(0.5))

    assert kind.parsed(answer, LABELS) == VALUES[name]


@pytest.mark.parametrize("name", list(KINDS))
def test_an_answer_is_a_line_and_rows_of_a_table_even_if_it_is_empty(name):
    kind = KINDS[name]()

    for threshold in (0.0, 2.0):
        answer = kind.named(VALUES[name], LABELS, 0, threshold, {}, Sure())
        assert "\n" not in kind.line(answer)
        assert kind.line(answer)
        assert {len(row) for row in kind.rows(answer)} == {len(kind.columns)}


@pytest.mark.parametrize("name", list(KINDS))
def test_what_the_steps_give_must_fit_the_labels(name):
    kind = KINDS[name]()

    for odd in (np.zeros((1, 7)), np.zeros((2, 3)), np.array([[0, 0, 1, 1, 0.5, 3.0]])):
        with pytest.raises(InfrastructureError, match="labels"):
            kind.value(odd, LABELS)


def test_boxes_are_drawn_where_they_are(seeing):
    photo = scene((BLUE, SPOT), size=(128, 64))

    data = seeing.kind.draw(photo, seeing.predict(photo))

    picture = np.asarray(Image.open(io.BytesIO(data)).convert("RGB")).astype(int)
    changed = np.abs(picture - np.asarray(Image.open(io.BytesIO(photo)))).sum(axis=2) > 120
    assert picture.shape == (64, 128, 3)
    assert changed[31, 40:60].all()
    assert not changed[40:].any()
    assert not changed[20:28, 72:].any()


def test_five_thousand_boxes_and_a_label_in_another_script_can_be_drawn(seeing):
    corners = np.random.default_rng(0).random((5000, 2)) * 100
    boxes = [
        {"label": "鳥\n", "score": 0.5, "box": [x, y, x + 9, y + 5]} for x, y in corners.tolist()
    ]

    assert seeing.kind.draw(scene(), {"boxes": boxes})[:3] == b"\xff\xd8\xff"


def test_labels_are_not_drawn(hearing):
    with pytest.raises(ConfigError, match="cannot be drawn"):
        hearing.kind.draw(tune(300), {"labels": []})


def test_the_furthest_number_is_a_share_of_what_is_large_and_endless_where_shapes_differ():
    assert furthest([[100, 0.5]], [[101, 0.51]]) == pytest.approx(0.01)
    assert furthest([[1]], [[1], [1]]) == float("inf")
    assert furthest([1.0], [float("nan")]) == float("inf")
    assert furthest([], []) == 0
