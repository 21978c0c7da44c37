"""Ray Train's way to join workers by Paddle: a V2 backend, as there is one for torch."""

import os
from dataclasses import dataclass
from typing import Any

import ray
from ray.train.backend import Backend, BackendConfig
from ray.train.v2.api.data_parallel_trainer import DataParallelTrainer

from stages.runtime.errors import ConfigError

STARTING = 300  # seconds for all workers to have opened Paddle and found each other


@dataclass
class PaddleConfig(BackendConfig):  # type: ignore[misc]
    """`backend`: gloo or nccl; empty: nccl where workers have graphics processors. `host`: the
    address that workers meet at, if all are on one machine; empty: each its machine's own."""

    backend: str = ""
    host: str = ""

    @property
    def backend_cls(self) -> type[Backend]:
        return PaddleBackend


class PaddleBackend(Backend):  # type: ignore[misc]
    """Tells each worker of a new group who the others are, and joins them."""

    def on_start(self, worker_group: Any, backend_config: PaddleConfig) -> None:
        accelerated = worker_group.get_resources_per_worker().get("GPU", 0) > 0
        backend = backend_config.backend or ("nccl" if accelerated else "gloo")
        host = backend_config.host
        endpoints = worker_group.execute(_free_endpoint, host)
        master = worker_group.execute_single(0, _free_endpoint, host)
        joining = [
            worker_group.execute_single_async(
                number, _join, place=number, endpoints=endpoints, master=master, backend=backend
            )
            for number in range(len(worker_group))
        ]
        ray.get(joining, timeout=STARTING)


class PaddleTrainer(DataParallelTrainer):  # type: ignore[misc]
    """Ray Train's data-parallel trainer with workers that Paddle joined."""

    def __init__(self, loop: Any, *, paddle_config: PaddleConfig | None = None, **options: Any):
        super().__init__(loop, backend_config=paddle_config or PaddleConfig(), **options)


def _free_endpoint(host: str) -> str:
    import socket

    with socket.socket() as free:
        free.bind((host, 0))
        return f"{host or ray.util.get_node_ip_address()}:{free.getsockname()[1]}"


def _join(place: int, endpoints: list[str], master: str, backend: str) -> None:
    os.environ.update(
        PADDLE_TRAINER_ID=str(place),
        PADDLE_TRAINERS_NUM=str(len(endpoints)),
        PADDLE_TRAINER_ENDPOINTS=",".join(endpoints),
        PADDLE_CURRENT_ENDPOINT=endpoints[place],
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
