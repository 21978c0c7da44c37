"""What a process group promises: many workers have the loss curve of one, and nothing is lost."""

import os

import pytest

from stages.memo.expiry import sweep
from stages.opening import open_store, resources_of
from stages.runtime.errors import DataError
from stages.train.distributed import release, run_distributed
from tests import makers
from tests.train.distributed import loops


@pytest.fixture(scope="module")
def single_worker(tmp_path_factory):
    """The loop on one worker: all its reports, and the bytes of its last checkpoint."""
    return run(makers.settings(tmp_path_factory.mktemp("one")), 1)


def run(settings, workers, loop=loops.train_tiny_network, **changes):
    reports = []
    config = loops.shared(**changes)
    folder = run_distributed(
        loop,
        config,
        workers=workers,
        name="tiny",
        store=open_store(settings),
        resources=resources_of(settings),
        on_report=reports.append,
    )
    return reports, {path.name: path.read_bytes() for path in folder.iterdir()}


def losses(reports):
    return [report["loss"] for report in reports]


@pytest.mark.slow
def test_two_workers_have_the_loss_curve_of_one(single_worker, ray_running, tmp_path):
    two_cores = makers.settings(tmp_path).model_copy(update={"threads": ray_running.cores})
    reports, files = run(two_cores, 2)

    assert [report["world"] for report in reports] == [2] * loops.STEPS
    assert losses(reports) == losses(single_worker[0])
    assert files == single_worker[1]


def test_one_worker_hears_every_step_and_learns(single_worker):
    assert [report["step"] for report in single_worker[0]] == list(range(loops.STEPS))
    assert single_worker[0][-1]["loss"] < single_worker[0][0]["loss"]


def test_a_second_start_goes_on_from_the_last_checkpoint(single_worker, tmp_path):
    settings = makers.settings(tmp_path)
    with pytest.raises(loops.Stopped):
        run(settings, 1, stops=12)

    start_steps: list = []
    reports, files = run(settings, 1, start_steps=start_steps)

    assert start_steps == [10], "the last checkpoint is that of the tenth step"
    assert [report["step"] for report in reports] == list(range(loops.STEPS))
    assert losses(reports) == losses(single_worker[0])
    assert files == single_worker[1]


def test_what_was_finished_is_given_at_once(single_worker, tmp_path):
    settings = makers.settings(tmp_path)
    run(settings, 1)

    reports, files = run(settings, 1, stops=0)

    assert losses(reports) == losses(single_worker[0])
    assert files == single_worker[1]


def test_what_is_done_is_given_for_an_hour_and_then_begins_anew(single_worker, tmp_path):
    settings = makers.settings(tmp_path)
    run(settings, 1)
    store = open_store(settings)
    blobs = store.blobs

    release("tiny", store, resources_of(settings))
    sweep(blobs)
    reports, files = run(settings, 1, stops=0)

    assert losses(reports) == losses(single_worker[0])
    assert files == single_worker[1]
    release("tiny", store, resources_of(settings))
    for path in (settings.root / "store" / "memo").rglob("*.*"):
        os.utime(path, (0, 0))
    sweep(blobs)
    with pytest.raises(loops.Stopped):
        run(settings, 1, stops=0)


@pytest.mark.slow
def test_workers_that_have_room_for_one_are_one(single_worker, tmp_path):
    reports, files = run(makers.settings(tmp_path), 2)

    assert {report["world"] for report in reports} == {1}
    assert files == single_worker[1]


@pytest.mark.chaos
def test_killed_workers_cost_what_was_done_since_the_last_checkpoint(single_worker, tmp_path):
    settings = makers.settings(tmp_path).model_copy(update={"threads": 2})
    dies = {0: [6], 1: [12]}

    reports, files = run(settings, 2, dies=dies, mark=str(tmp_path / "mark"))

    assert (tmp_path / "mark").read_text() == "[6, 12]"
    assert losses(reports) == losses(single_worker[0])
    assert files == single_worker[1]


@pytest.mark.slow
def test_what_a_person_has_to_mend_is_told_as_the_loop_told_it(tmp_path):
    settings = makers.settings(tmp_path).model_copy(update={"threads": 2})

    with pytest.raises(DataError, match="label 7"):
        run(settings, 2, loop=loops.complains)


@pytest.mark.slow
def test_no_room_for_one_worker_is_told_with_figures(tmp_path):
    from stages.runtime.errors import InfrastructureError

    with pytest.raises(InfrastructureError, match=r"wants 1 CPU, 1048\d{3} MB of memory"):
        run_distributed(
            loops.train_tiny_network,
            loops.shared(),
            workers=2,
            name="tiny",
            store=open_store(makers.settings(tmp_path)),
            resources=makers.resources(tmp_path),
            on_report=lambda _: None,
            memory=2**40,
        )
