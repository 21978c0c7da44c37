"""From bytes to labels."""

import threading

import numpy as np
import pytest

from stages.runtime.errors import BadSample, InfrastructureError, UnknownPart
from stages.runtime.predictor import Predictor
from tests.runtime.conftest import DESCRIPTION, STRENGTH
from tests.runtime.painting import plain, saved

RED, GREEN, BLUE = (saved(plain(colour)) for colour in ((255, 0, 0), (0, 255, 0), (0, 0, 255)))


def test_the_likeliest_label_comes_first(predictor):
    answer = predictor.predict(GREEN, top=2)

    assert [label["label"] for label in answer["labels"]] == ["green", "red"]
    expected = np.exp(STRENGTH) / (np.exp(STRENGTH) + 2)
    assert answer["labels"][0]["score"] == pytest.approx(expected, abs=1e-5)


def test_no_top_means_all_labels(predictor):
    assert len(predictor.predict(BLUE, top=0)["labels"]) == 3


def test_a_threshold_leaves_out_what_is_less_sure(predictor):
    assert [label["label"] for label in predictor.predict(BLUE, threshold=0.5)["labels"]] == [
        "blue"
    ]


def test_answers_come_in_the_samples_order_whatever_the_batch(predictor):
    samples = [RED, GREEN, BLUE, GREEN, RED]

    values = predictor.answers(samples, batch=2)

    assert np.argmax(values, axis=1).tolist() == [0, 1, 2, 1, 0]
    np.testing.assert_allclose(values, predictor.answers(samples, batch=16), atol=1e-6)


def test_no_samples_have_no_answers(predictor):
    assert predictor.answers([]) == []


def test_a_bad_sample_says_so(predictor):
    with pytest.raises(BadSample, match="empty"):
        predictor.predict(b"")


def test_threads_may_share_one(predictor):
    answers = {}

    def predict(index, data):
        answers[index] = predictor.predict(data)["labels"][0]["label"]

    samples = [RED, GREEN, BLUE] * 5
    threads = [threading.Thread(target=predict, args=pair) for pair in enumerate(samples)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [answers[index] for index in range(15)] == ["red", "green", "blue"] * 5


def test_labels_that_do_not_fit_the_network_are_found(package):
    two = {**DESCRIPTION, "labels": ["red", "green"]}

    with pytest.raises(InfrastructureError, match=r"answers \(1, 3\) for 2 labels"):
        Predictor(two, package / "model.onnx").predict(RED)


def test_a_step_from_the_future_is_refused_when_it_is_opened(package):
    odd = {**DESCRIPTION, "before": [{"step": "decode_hologram"}]}

    with pytest.raises(UnknownPart, match="decode_hologram"):
        Predictor(odd, package / "model.onnx")


def test_a_file_that_is_no_network_is_refused(package):
    with pytest.raises(InfrastructureError, match=r"cannot load labels\.txt"):
        Predictor(DESCRIPTION, package / "labels.txt")
