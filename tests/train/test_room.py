"""Room is counted before anybody starts, and what is missing is told with figures."""

import pytest

from stages.runtime.errors import InfrastructureError
from stages.train.room import MB, PADDLE, check_room, for_workers, free, worker_bytes


def node(alive=True, **resources):
    return {"Alive": alive, "Resources": resources}


def test_a_worker_takes_paddle_and_its_data():
    assert worker_bytes(100 * MB) == PADDLE + 100 * MB


def test_one_machine_has_to_have_room_for_all_of_a_worker():
    wide = [node(CPU=8, memory=100 * MB), node(CPU=0, memory=900 * MB)]

    with pytest.raises(InfrastructureError, match=r"wants 1 CPU, 500 MB of memory"):
        check_room(wide, {"CPU": 1, "memory": 500 * MB})
    check_room([*wide, node(CPU=1, memory=500 * MB)], {"CPU": 1, "memory": 500 * MB})


def test_what_is_missing_is_told():
    with pytest.raises(InfrastructureError, match=r"most .* is 8 CPU, 0 GPU"):
        check_room([node(CPU=8), node(alive=False, GPU=1)], {"CPU": 1, "GPU": 1})


def test_what_is_shared_is_not_given_to_workers_again():
    assert 0 < for_workers(0) < free()
    with pytest.raises(InfrastructureError, match=r"teaching takes 2147\d+ MB"):
        for_workers(2**50)
