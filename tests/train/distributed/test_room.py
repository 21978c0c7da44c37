"""Room is counted before anybody starts, and what is missing is told with figures."""

import pytest

from stages.runtime.errors import InfrastructureError
from stages.train.distributed.memory import (
    MB,
    PADDLE_BYTES,
    free,
    worker_bytes,
    worker_memory,
)
from stages.train.distributed.room import check_room, reserve_workers, workers_with_room


def node(alive=True, **resources):
    return {"Alive": alive, "Resources": resources}


def test_a_worker_takes_paddle_and_its_data():
    assert worker_bytes(100 * MB) == PADDLE_BYTES + 100 * MB


def test_one_machine_has_to_have_room_for_all_of_a_worker():
    wide = [node(CPU=8, memory=100 * MB), node(CPU=0, memory=900 * MB)]

    with pytest.raises(InfrastructureError, match=r"wants 1 CPU, 500 MB of memory"):
        check_room(wide, {"CPU": 1, "memory": 500 * MB})
    check_room([*wide, node(CPU=1, memory=500 * MB)], {"CPU": 1, "memory": 500 * MB})


def test_what_is_missing_is_told():
    with pytest.raises(InfrastructureError, match=r"most .* is 8 CPU, 0 GPU"):
        check_room([node(CPU=8), node(alive=False, GPU=1)], {"CPU": 1, "GPU": 1})


def test_what_is_shared_is_not_given_to_workers_again():
    assert 0 < worker_memory(0) < free()
    with pytest.raises(InfrastructureError, match=r"training takes 2147\d+ MB"):
        worker_memory(2**50)


def test_workers_are_counted_on_each_machine_by_what_is_shortest():
    nodes = [node(CPU=8, memory=250 * MB), node(CPU=1, memory=900 * MB), node(alive=False, CPU=9)]

    assert workers_with_room(nodes, {"CPU": 1, "memory": 100 * MB}) == 2 + 1
    assert workers_with_room(nodes, {"CPU": 1, "GPU": 1}) == 0


@pytest.fixture
def occupy(ray_running):
    """A function that takes cores of Ray's for as long as the test lasts."""
    from ray.util import placement_group, remove_placement_group

    taken = []

    def take_cores(cores):
        taken.append(placement_group([{"CPU": cores}]))
        assert taken[-1].wait(10)

    yield take_cores
    for group in taken:
        remove_placement_group(group)


def test_those_who_have_a_place_are_as_many_as_there_is_room_for(occupy):
    from ray.util import remove_placement_group

    occupy(1)

    (placement_group,) = reserve_workers(2, {"CPU": 1.0, "memory": float(MB)}, timeout=1)
    remove_placement_group(placement_group)


def test_nobody_waits_for_ever_for_a_place_that_others_have(occupy):
    occupy(2)

    with pytest.raises(InfrastructureError, match=r"Others use the cluster: .* 1 CPU, 1 MB"):
        reserve_workers(2, {"CPU": 1.0, "memory": float(MB)}, timeout=1)
