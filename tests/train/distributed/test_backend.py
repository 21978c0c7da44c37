"""How the workers of a group find each other. The group is Ray Train's; here a list of calls."""

import os
import socket
from typing import Any

import pytest

from stages.runtime.errors import ConfigError
from stages.train.distributed import backend
from stages.train.distributed.backend import PaddleBackend, PaddleConfig

HOST = "127.0.0.1"
VARIABLES = ("TRAINER_ID", "TRAINERS_NUM", "TRAINER_ENDPOINTS", "CURRENT_ENDPOINT", "MASTER")


class Group:
    """Workers that answer at once, with ports from 1."""

    def __init__(self, gpus: int = 0) -> None:
        self.gpus, self.ports, self.joins = gpus, iter(range(1, 9)), list[dict[str, Any]]()

    def __len__(self) -> int:
        return 2

    def get_resources_per_worker(self) -> dict[str, float]:
        return {"CPU": 1.0} | ({"GPU": self.gpus} if self.gpus else {})

    def execute(self, function: Any, host: str) -> list[str]:
        return [self.execute_single(rank, function, host) for rank in range(2)]

    def execute_single(self, rank: int, function: Any, host: str) -> str:
        assert function is backend._free_endpoint
        return f"{host}:{next(self.ports)}"

    def execute_single_async(self, rank: int, function: Any, **options: Any) -> Any:
        import ray

        assert function is backend._join
        self.joins.append({"on": rank, **options})
        return ray.put(None)


def joins(ray_running: Any, config: PaddleConfig, gpus: int = 0) -> list[dict[str, Any]]:
    group = Group(gpus)
    config.backend_cls().on_start(group, config)
    return group.joins


def test_each_worker_hears_of_all_addresses(ray_running):
    assert PaddleConfig().backend_cls is PaddleBackend

    every = {"endpoints": ["h:1", "h:2"], "master": "h:3", "backend": "gloo"}
    assert joins(ray_running, PaddleConfig(host="h")) == [
        {"on": 0, "world_rank": 0, **every},
        {"on": 1, "world_rank": 1, **every},
    ]


@pytest.mark.parametrize(
    ("config", "gpus", "expected"), [("", 0, "gloo"), ("", 1, "nccl"), ("gloo", 1, "gloo")]
)
def test_workers_with_graphics_processors_exchange_by_nccl(ray_running, config, gpus, expected):
    found = joins(ray_running, PaddleConfig(backend=config), gpus)

    assert {each["backend"] for each in found} == {expected}


def test_an_endpoint_is_a_port_that_is_free(ray_running):
    for host in (HOST, ""):
        address, _, port = backend._free_endpoint(host).partition(":")

        assert address.count(".") == 3
        with socket.socket() as free:
            free.bind((HOST, int(port)))


def test_a_worker_alone_is_its_own_group(monkeypatch):
    for name in VARIABLES:
        monkeypatch.setenv(f"PADDLE_{name}", "")
    monkeypatch.setenv("PADDLE_DISTRI_BACKEND", "")

    backend._join(0, ["h:5"], "h:6", "gloo")

    assert [os.environ[f"PADDLE_{name}"] for name in VARIABLES] == ["0", "1", "h:5", "h:5", "h:6"]
    assert os.environ["PADDLE_DISTRI_BACKEND"] == "gloo"
    with pytest.raises(ConfigError, match="AIWF_GPUS asks for graphics processors"):
        backend._join(0, ["h:5"], "h:6", "nccl")
