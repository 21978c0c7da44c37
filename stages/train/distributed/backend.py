"""Lets Ray Train start workers that Paddle joins into one process group.

Ray Train has such a backend for torch (`TorchConfig`, `TorchTrainer`) and none for Paddle."""

import os
from dataclasses import dataclass
from typing import Any

import ray
from ray.train.backend import Backend, BackendConfig
from ray.train.v2.api.data_parallel_trainer import DataParallelTrainer

from stages.runtime.errors import ConfigError

JOIN_TIMEOUT = 300  # seconds in which all workers have to import Paddle and find each other


@dataclass
class PaddleConfig(BackendConfig):  # type: ignore[misc]
    """How Paddle joins the workers.

    `backend`: gloo or nccl; empty: nccl if each worker has a GPU, else gloo. `host`: the address
    at which the workers find each other if all run on one machine; empty: each worker's machine
    gives its own."""

    backend: str = ""
    host: str = ""

    @property
    def backend_cls(self) -> type[Backend]:
        """The class that Ray Train makes for this config."""
        return PaddleBackend


class PaddleBackend(Backend):  # type: ignore[misc]
    """Joins the workers of a new group; Ray Train calls it whenever it starts a group."""

    def on_start(self, worker_group: Any, backend_config: PaddleConfig) -> None:
        """Tell each worker the addresses of all, and wait until Paddle has joined them.

        Raises a worker's ConfigError, or Ray's GetTimeoutError after JOIN_TIMEOUT seconds."""
        has_gpus = worker_group.get_resources_per_worker().get("GPU", 0) > 0
        backend = backend_config.backend or ("nccl" if has_gpus else "gloo")
        host = backend_config.host
        endpoints = worker_group.execute(_free_endpoint, host)
        master = worker_group.execute_single(0, _free_endpoint, host)
        joins = [
            worker_group.execute_single_async(
                rank, _join, world_rank=rank, endpoints=endpoints, master=master, backend=backend
            )
            for rank in range(len(worker_group))
        ]
        ray.get(joins, timeout=JOIN_TIMEOUT)


class PaddleTrainer(DataParallelTrainer):  # type: ignore[misc]
    """Ray Train's data-parallel trainer with workers that Paddle joined. `loop`: what each worker
    runs; `options`: the further arguments of DataParallelTrainer."""

    def __init__(self, loop: Any, *, paddle_config: PaddleConfig | None = None, **options: Any):
        super().__init__(loop, backend_config=paddle_config or PaddleConfig(), **options)


def _free_endpoint(host: str) -> str:
    """host:port with a port that is free on this worker's machine now."""
    import socket

    with socket.socket() as free:
        free.bind((host, 0))
        return f"{host or ray.util.get_node_ip_address()}:{free.getsockname()[1]}"


def _join(world_rank: int, endpoints: list[str], master: str, backend: str) -> None:
    """Make this worker process number `world_rank` of the group; runs in the worker, and sets
    Paddle's environment variables and device there.

    `endpoints`: host:port of each worker, by rank; `master`: of the group's key-value store. (An
    argument called `rank` would collide with Ray's own.) Raises ConfigError for nccl if Paddle
    cannot use a GPU."""
    os.environ.update(
        PADDLE_TRAINER_ID=str(world_rank),
        PADDLE_TRAINERS_NUM=str(len(endpoints)),
        PADDLE_TRAINER_ENDPOINTS=",".join(endpoints),
        PADDLE_CURRENT_ENDPOINT=endpoints[world_rank],
        PADDLE_MASTER=master,
        PADDLE_DISTRI_BACKEND=backend,
    )
    import paddle
    import paddle.distributed as dist

    if backend == "nccl" and not paddle.is_compiled_with_cuda():
        raise ConfigError(
            "AIWF_GPUS asks for graphics processors, and this Paddle can use none.",
            "Unset AIWF_GPUS, or install paddlepaddle-gpu where the workers run.",
        )
    paddle.set_device("cpu" if backend == "gloo" else "gpu")
    if len(endpoints) > 1:
        dist.init_parallel_env()
