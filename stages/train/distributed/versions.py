"""Compares the libraries on the machines of a cluster with those of this process, before work
begins: other versions compute other numbers, or fail in the middle."""

import platform
from collections.abc import Mapping

from stages.runtime.errors import InfrastructureError
from stages.runtime.libraries import installed

LIBRARIES = ("ray", "paddlepaddle", "numpy", "onnxruntime", "pillow", "soundfile")
ANSWER_TIMEOUT = 120.0  # seconds in which all machines have to answer


def versions_here() -> dict[str, str]:
    """The versions in this process of Python and of LIBRARIES, by name; '' for one that is
    missing."""
    return {"python": platform.python_version()} | {
        name: installed(name) or "" for name in LIBRARIES
    }


def check_versions(nodes: Mapping[str, Mapping[str, str]]) -> None:
    """Raise InfrastructureError, naming each difference, if one of `nodes` (address -> versions)
    differs from this process. Of Python's version the first two numbers are compared."""
    here = versions_here()
    differing = [
        f"{address} has {name} {found or 'not at all'}, this process {here[name] or 'not at all'}"
        for address, versions in nodes.items()
        for name, found in versions.items()
        if _comparable(name, found) != _comparable(name, here[name])
    ]
    if differing:
        raise InfrastructureError(
            f"The cluster has other libraries: {'; '.join(differing)}.",
            "Install requirements.lock on every machine of the cluster, and run again.",
        )


def check_cluster() -> None:
    """Ask every machine of the Ray that this process is connected to, and check its versions.

    Raises InfrastructureError if versions differ, or if a machine does not run a task within
    ANSWER_TIMEOUT seconds."""
    import ray
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    remote_versions = ray.remote(num_cpus=0)(versions_here)
    answers = {
        node["NodeManagerAddress"]: remote_versions.options(
            scheduling_strategy=NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)
        ).remote()
        for node in ray.nodes()
        if node["Alive"]
    }
    try:
        found = ray.get(list(answers.values()), timeout=ANSWER_TIMEOUT)
    except ray.exceptions.RayError as error:
        raise InfrastructureError(
            f"A machine of the cluster does not run tasks: {str(error).splitlines()[0]}",
            "Look at the cluster that AIWF_RAY names; `ray status` shows its machines.",
        ) from error
    check_versions(dict(zip(answers, found, strict=True)))


def _comparable(name: str, version: str) -> str:
    return ".".join(version.split(".")[:2]) if name == "python" else version
