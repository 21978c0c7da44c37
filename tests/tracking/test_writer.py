"""A stage never waits for MLflow, and never fails by it."""

import logging
import threading

import pytest

from stages.tracking.writer import Writer


def test_calls_are_done_in_order():
    done: list[int] = []
    writer = Writer()

    for number in range(50):
        writer.put(lambda number=number: done.append(number))
    lost = writer.close()

    assert done == list(range(50))
    assert lost == 0


def test_a_call_that_fails_once_is_tried_again():
    tries: list[int] = []

    def flaky() -> None:
        tries.append(1)
        if len(tries) == 1:
            raise ConnectionError("busy")

    writer = Writer(pauses=(0.01,))
    writer.put(flaky)

    assert writer.close() == 0
    assert len(tries) == 2


def test_what_is_lost_is_told_and_a_dead_server_is_asked_once_only(caplog):
    tries: list[int] = []

    def dead() -> None:
        tries.append(1)
        raise ConnectionError("no route")

    writer = Writer(pauses=(0.01, 0.01))
    for _ in range(100):
        writer.put(dead)

    with caplog.at_level(logging.WARNING, "aiwf.tracking"):
        assert writer.close() == 100
    assert len(tries) == 3 + 99
    assert "no route" in caplog.text


def test_a_stage_does_not_wait_while_mlflow_is_slow():
    writer, answer = Writer(), threading.Event()

    writer.put(lambda: answer.wait(30) or pytest.fail("the stage waited"))
    answer.set()  # only a stage that did not wait comes here

    assert writer.close() == 0
