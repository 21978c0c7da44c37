"""Pieces of work on Ray's workers: all are done once, in any order, whoever dies."""

import pytest

from stages.runtime.errors import ConfigError, InfrastructureError
from stages.train.distributed.executor import Executor, worker_pool
from stages.train.distributed.memory import MB, worker_bytes
from tests.train.distributed.pieces import Adder, Mortal, StartingAdder

WANTED = {"CPU": 1.0, "memory": float(MB)}


def executor(make, shared, workers=2):
    return Executor(make, shared, wanted=WANTED, workers=workers, remedy="Do something.")


class Halves:
    """Gives numbers out; a second round depends on all of the first."""

    def __init__(self):
        self.waiting, self.reports, self.results = [1, 2, 3], [], {}

    def next(self):
        return self.waiting.pop(0) if self.waiting else None

    def on_report(self, piece, report):
        self.reports.append(report)

    def resume(self, piece):
        return piece

    def on_result(self, piece, result):
        self.results[piece] = result
        if len(self.results) == 3:
            self.waiting = [10, 20]


def test_pieces_are_given_out_as_they_become_known_and_reports_are_heard(ray_running):
    source = Halves()

    with executor(Adder, 0.5) as workers:
        workers.run(source)

    assert source.results == {1: 1.5, 2: 2.5, 3: 3.5, 10: 10.5, 20: 20.5}
    assert sorted(source.reports) == sorted(f"on {piece}" for piece in source.results)


def test_results_of_a_list_are_in_its_order(ray_running, tmp_path):
    heard = []

    with executor(Mortal, tmp_path) as workers:
        results = workers.map(
            [(str(n), "raise", 0) for n in range(5)],
            lambda done, total: heard.append((done, total)),
        )

    assert results == ["0", "1", "2", "3", "4"]
    assert heard == [(done, 5) for done in range(6)]


@pytest.mark.parametrize("action", ["kill", "raise"])
def test_a_piece_is_done_again_when_its_worker_dies_or_fails(ray_running, tmp_path, action):
    with executor(Mortal, tmp_path) as workers:
        results = workers.map([("a", action, 2), ("b", action, 0)], lambda *_: None)

    assert results == ["a", "b"]
    assert len(list(tmp_path.glob("a-*"))) == 3
    assert len(list(tmp_path.glob("b-*"))) == 1  # another piece is not touched


def test_what_fails_three_times_is_told_with_its_piece_and_what_to_do(ray_running, tmp_path):
    with executor(Mortal, tmp_path) as workers, pytest.raises(InfrastructureError) as caught:
        workers.map([("a", "raise", 9)], lambda *_: None)

    assert "'a'" in caught.value.problem
    assert caught.value.problem.endswith("failed 3 times: no disk")
    assert caught.value.remedy == "Do something."


def test_a_worker_that_dies_while_it_starts_is_replaced(ray_running, tmp_path):
    deaths = tmp_path / "2"
    deaths.mkdir()

    with executor(StartingAdder, deaths, workers=1) as workers:
        assert workers.map([1, 2], lambda *_: None) == [2, 3]

    assert len(list(deaths.iterdir())) == 3


def test_workers_that_die_one_after_the_other_while_they_start_end_the_work(ray_running, tmp_path):
    deaths = tmp_path / "9"
    deaths.mkdir()

    with (
        executor(StartingAdder, deaths, workers=1) as workers,
        pytest.raises(InfrastructureError, match="3 workers of Ray ended while they started"),
    ):
        workers.map([1], lambda *_: None)

    assert len(list(deaths.iterdir())) == 3


def test_what_a_person_has_to_mend_is_not_tried_again(ray_running, tmp_path):
    with executor(Mortal, tmp_path) as workers, pytest.raises(ConfigError, match="It cannot be"):
        workers.map([("a", "refuse", 9)], lambda *_: None)

    assert len(list(tmp_path.glob("a-*"))) == 1


def test_what_the_source_raises_ends_the_work(ray_running):
    class Refusing(Halves):
        def on_result(self, piece, result):
            raise OSError("the tracker is gone")

    with executor(Adder, 1) as workers, pytest.raises(OSError, match="the tracker is gone"):
        workers.run(Refusing())


def test_places_are_given_back(ray_running):
    from ray.util import placement_group_table

    with executor(Adder, 1, workers=8) as workers:
        places = {group.id.hex() for group in workers.placement_groups}
        assert len(places) == 2  # there are two cores

    table = placement_group_table()
    assert {table[name]["state"] for name in places} == {"REMOVED"}


def test_a_pool_reserves_the_cores_and_the_memory_of_its_workers(ray_running):
    from ray.util import placement_group_table

    needs = {"shared_bytes": MB, "worker_data": 3 * MB, "workers": 2, "remedy": "", "cores": 0.5}
    with worker_pool(Adder, 1, ray_running, **needs) as workers:
        table = placement_group_table()
        bundles = [table[group.id.hex()]["bundles"] for group in workers.placement_groups]
        assert workers.map([1, 2, 3], lambda *_: None) == [2, 3, 4]

    wanted = {"CPU": 0.5, "memory": worker_bytes(3 * MB)}
    assert [list(each.values()) for each in bundles] == [[wanted], [wanted]]
