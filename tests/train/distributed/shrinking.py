"""A cluster of two machines of one core each, of which one goes away while both train:
`python -m tests.train.distributed.shrinking FOLDER`; prints how many workers made each report."""

import sys
from pathlib import Path

from ray.cluster_utils import Cluster

from stages.opening import open_store, resources_of
from stages.settings import Settings
from stages.train.distributed import run_distributed
from tests.train.distributed import loops


def main(folder: str) -> None:
    """Train, and take the second machine away at the eighth step."""
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
    second = cluster.add_node(num_cpus=1)

    settings = Settings(workspace=Path(folder), ray=cluster.address)

    def print_report(report: dict[str, int]) -> None:
        print(report["step"], report["world"], flush=True)
        if report["step"] == 8:
            cluster.remove_node(second, allow_graceful=False)

    try:
        run_distributed(
            loops.train_tiny_network,
            loops.shared(pause=0.5),
            workers=2,
            name="tiny",
            store=open_store(settings),
            resources=resources_of(settings),
            on_report=print_report,
        )
    finally:
        cluster.shutdown()


if __name__ == "__main__":
    main(*sys.argv[1:])
